import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { ProblemError } from '../api/problem';
import { LinkButton } from './links';

/** Something could not be read: what the server said, and a way on. */
export function Failure({ error, again }: { error: unknown; again: () => void }) {
  const title = error instanceof ProblemError ? error.problem.title : 'What went wrong';
  const missing = error instanceof ProblemError && error.missing;
  return (
    <Alert color="ember" variant="light" title={title} my="md" role="alert">
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{error instanceof Error ? error.message : 'Nothing is known about why.'}</Text>
        <Group gap="xs">
          {missing && (
            <LinkButton to="/" size="xs">
              Go to the flags
            </LinkButton>
          )}
          <Button size="xs" variant="default" onClick={again}>
            Try again
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
