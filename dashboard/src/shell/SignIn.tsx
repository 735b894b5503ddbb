import { Button, Center, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { ProblemError } from '../api/problem';
import { useSignIn } from '../data/session';
import { useFocusAfter } from '../parts/focus';
import { Mark } from './Mark';

/** The way in, as a page. */
export function SignIn() {
  useDocumentTitle('Sign in · Hoist');
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder radius="lg" p="xl" maw={420} w="100%" bg="var(--hoist-card)">
        <Stack>
          <Mark />
          <Title order={1}>Sign in</Title>
          <SignInForm autoFocus />
        </Stack>
      </Paper>
    </Center>
  );
}

/** Signs in by an api token. */
export function SignInForm({ autoFocus = false }: { autoFocus?: boolean }) {
  const { mutate, isPending, error } = useSignIn();
  const [token, setToken] = useState('');
  const form = useRef<HTMLFormElement>(null);
  useFocusAfter(isPending, form);

  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        mutate(token.trim());
      }}
    >
      <Stack>
        <PasswordInput
          label="API token"
          description="It begins with hoist_api_ and is kept in no place that a script can read."
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
          error={error && refusal(error)}
          aria-invalid={error ? true : undefined}
          autoComplete="current-password"
          autoFocus={autoFocus}
          required
        />
        <Button type="submit" loading={isPending}>
          Sign in
        </Button>
        <Text size="sm" c="dimmed">
          No token yet? Whoever runs the server makes one with <Code>hoist token create NAME --kind api</Code>.
        </Text>
      </Stack>
    </form>
  );
}

function refusal(error: Error): string {
  if (!(error instanceof ProblemError)) return error.message;
  if (error.offline) return 'The server cannot be reached. Nobody is signed in; try again.';
  if (error.signedOut) return 'The server does not know this token, or it has ended.';
  return error.message;
}
