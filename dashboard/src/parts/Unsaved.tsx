import { Button, Group, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { type ReactNode, useRef, useState } from 'react';
import { Dialog } from './Dialog';

interface Question {
  title: string;
  text: string;
  /** What the button says that throws it away. */
  leave: string;
}

interface Asked extends Partial<Question> {
  /** Whether another environment would be another form; else it stays as it is. */
  perEnvironment?: boolean;
}

const USUAL: Question = { title: 'Leave what is not saved?', text: 'What you typed here is not saved.', leave: 'Leave' };

interface Unsaved {
  /** Closes, after a question where something would be lost. */
  close: () => void;
  /** To be called when it is saved: nothing is asked any more. */
  saved: () => void;
  /** The question, drawn where the form is. */
  question: ReactNode;
}

/** Guards what was typed: links, the browser's own buttons and the end of a dialog ask before it is thrown away. */
export function useUnsaved(unsaved: boolean, onClose: () => void, { perEnvironment = false, ...words }: Asked = {}): Unsaved {
  const asked = { ...USUAL, ...words };
  const free = useRef(false);
  const answered = useRef(false);
  const [closing, setClosing] = useState(false);
  const guards = () => unsaved && !free.current;
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => guards() && leads(current, next, perEnvironment),
    enableBeforeUnload: guards,
    withResolver: true,
  });
  const stay = () => {
    answered.current = true;
    window.setTimeout(() => (answered.current = false));
    setClosing(false);
    blocker.reset?.();
  };
  const leave = () => {
    free.current = true;
    setClosing(false);
    if (blocker.status === 'blocked') blocker.proceed();
    else onClose();
  };
  const asking = closing || blocker.status === 'blocked';
  const question = asking && (
    <Dialog title={asked.title} opened onClose={stay}>
      <Text mb="md">{asked.text}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={stay} data-autofocus>
          Stay
        </Button>
        <Button color="ember" onClick={leave}>
          {asked.leave}
        </Button>
      </Group>
    </Dialog>
  );
  return {
    close: () => {
      // The same Escape that answers the question reaches the dialog below it.
      if (asking || answered.current) return;
      if (guards()) setClosing(true);
      else onClose();
    },
    saved: () => {
      free.current = true;
    },
    question,
  };
}

interface Place {
  pathname: string;
  search: unknown;
}

/** Whether an address draws another form. */
function leads(current: Place, next: Place, perEnvironment: boolean): boolean {
  const rest = ({ search }: Place) =>
    JSON.stringify({ ...(search as Record<string, unknown>), ...(!perEnvironment && { environment: undefined }) });
  return current.pathname !== next.pathname || rest(current) !== rest(next);
}
