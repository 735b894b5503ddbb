import { Button, Group, Stack } from '@mantine/core';
import { type ReactNode, useRef } from 'react';
import { useFocusAfter } from './focus';
import { FormProblems } from './FormProblems';
import { useOnce } from './once';

interface FormProps {
  /** What was refused and is said at no field. */
  problems: string[];
  /** What the button says: the act itself. */
  action: string;
  act: () => void;
  busy: boolean;
  disabled?: boolean | undefined;
  /** Whether the form says itself what is missing, and the browser does not. */
  ownFaults?: boolean;
  /** Beside the button. */
  note?: ReactNode;
  /** Whoever may not act sees the fields without the button. */
  may?: boolean;
  children: ReactNode;
}

/** Fields, what was refused above them, and the button that sends them below. */
export function Form({ problems, action, act, busy, disabled, ownFaults = false, note, may = true, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const once = useOnce();
  useFocusAfter(busy, form);
  return (
    <form
      ref={form}
      noValidate={ownFaults}
      onSubmit={(event) => {
        event.preventDefault();
        once(act);
      }}
    >
      <Stack>
        <FormProblems problems={problems} />
        {children}
        {may && (
          <Group justify="flex-end">
            {note}
            <Button type="submit" data-acts loading={busy} disabled={disabled}>
              {action}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}
