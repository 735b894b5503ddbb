import { Text } from '@mantine/core';
import { Dialog } from '../parts/Dialog';
import { SignInForm } from './SignIn';

/** A session has ended while somebody was at work: what they typed stays below, and they go on where they were. */
export function Ended() {
  return (
    <Dialog title="Your session has ended" opened>
      <Text size="sm" mb="md">
        It ran out, or its token was revoked. Sign in to go on: what you typed is still here.
      </Text>
      <SignInForm />
    </Dialog>
  );
}
