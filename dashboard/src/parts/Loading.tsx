import { Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useLiveness } from '../data/live';

/** What is quick shows nothing; only a wait that one would notice is drawn. */
const NOTICED_MS = 150;

/** Something is being read; without a server it waits, and says so. */
export function Loading({ rows = 6 }: { rows?: number }) {
  const [noticed, setNoticed] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setNoticed(true), NOTICED_MS);
    return () => window.clearTimeout(timer);
  }, []);
  if (useLiveness() === 'reconnecting') {
    return (
      <Text py="md" role="status">
        What stands here is shown as soon as the server can be reached.
      </Text>
    );
  }
  return (
    <Stack gap="sm" py="md" role="status">
      <VisuallyHidden>Loading</VisuallyHidden>
      {noticed && Array.from({ length: rows }, (_, row) => <Skeleton key={row} height={36} />)}
    </Stack>
  );
}
