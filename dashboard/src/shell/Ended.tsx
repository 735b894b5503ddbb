import { Text } from '@mantine/core';
import type { SessionState } from '../api/schema';
import { Dialog } from '../parts/Dialog';
import { SignInForm } from './SignIn';

/** A session has ended while somebody was at work: what they typed stays below, and they go on where they were. */
export function Ended({ session }: { session: SessionState }) {
  return (
    <Dialog title="Your session has ended" opened>
      <Text size="sm" mb="md">
        It ran out, or its token was revoked. Sign in to go on: what you typed is still here.
      </Text>
      <SignInForm session={session} />
    </Dialog>
  );
}
