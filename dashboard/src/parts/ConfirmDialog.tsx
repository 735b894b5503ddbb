import { Button, Group, Stack, Text } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
import { fieldErrors } from '../api/problem';
import { Dialog } from './Dialog';
import { useFocusAfter } from './focus';
import { FormProblems } from './FormProblems';
import { useOnce } from './once';
import { Reason } from './Reason';

interface ConfirmDialogProps {
  title: string;
  /** What the act does, and to whom. */
  children: ReactNode;
  /** What the button says: the act itself, never “OK”. */
  action: string;
  act: (reason: string) => void;
  busy: boolean;
  error: Error | null;
  onClose: () => void;
}

/** Asks before something that cannot be taken back, and says what it does. */
export function ConfirmDialog({ title, children, action, act, busy, error, onClose }: ConfirmDialogProps) {
  const [reason, setReason] = useState('');
  const asked = useRef<HTMLDivElement>(null);
  const once = useOnce();
  useFocusAfter(busy, asked);
  return (
    <Dialog title={title} opened onClose={onClose}>
      <Stack gap="md" ref={asked}>
        <Text size="sm" component="div">
          {children}
        </Text>
        <Reason value={reason} onChange={setReason} />
        <FormProblems problems={fieldErrors(error, {}).rest} />
        <Group justify="flex-end" gap="sm">
          {/* What cannot be taken back is not what a hasty enter does. */}
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="ember" data-acts loading={busy} onClick={() => once(() => act(reason))}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
