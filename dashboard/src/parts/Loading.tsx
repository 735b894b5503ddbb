import { Skeleton, Stack, VisuallyHidden } from '@mantine/core';
import { useEffect, useState } from 'react';

/** What is quick shows nothing; only a wait that one would notice is drawn. */
const NOTICED_MS = 150;

/** Something is being read. */
export function Loading({ rows = 6 }: { rows?: number }) {
  const [noticed, setNoticed] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setNoticed(true), NOTICED_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <Stack gap="sm" py="md" role="status">
      <VisuallyHidden>Loading</VisuallyHidden>
      {noticed && Array.from({ length: rows }, (_, row) => <Skeleton key={row} height={36} />)}
    </Stack>
  );
}
