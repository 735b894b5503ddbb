import { Alert, Button, Stack, Text } from '@mantine/core';
import { ProblemError } from '../api/problem';

/** Something could not be read: what the server said, and a way to try again. */
export function Failure({ error, again }: { error: unknown; again: () => void }) {
  const title = error instanceof ProblemError ? error.problem.title : 'This page broke';
  return (
    <Alert color="ember" variant="light" title={title} my="md" role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{error instanceof Error ? error.message : 'Nothing is known about why.'}</Text>
        <Button size="xs" variant="default" onClick={again}>
          Try again
        </Button>
      </Stack>
    </Alert>
  );
}
