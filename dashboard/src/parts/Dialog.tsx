import { Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Dialog.module.css';
import { useFocusReturn } from './focus';
import { Key } from './Key';

interface DialogProps {
  title: string;
  opened: boolean;
  /** Absent when only what the dialog asks for closes it: then neither Escape nor a click beside it does. */
  onClose?: (() => void) | undefined;
  size?: 'sm' | 'md' | 'lg' | 'xl';
  children: ReactNode;
}

/** A dialog. It has the keyboard while it stands, first in its first field, and gives it back where it was. */
export function Dialog({ title, opened, onClose, size = 'md', children }: DialogProps) {
  useFocusReturn(opened);
  const closes = onClose !== undefined;
  return (
    <Modal.Root
      opened={opened}
      onClose={onClose ?? (() => undefined)}
      size={size}
      returnFocus={false}
      closeOnEscape={closes}
      closeOnClickOutside={closes}
    >
      <Modal.Overlay backgroundOpacity={0.5} />
      <Modal.Content bg="var(--hoist-card)">
        {/* Its head is no banner of the page, as Mantine's own would be. */}
        <Group justify="space-between" align="flex-start" wrap="nowrap" p="md" pb="xs">
          <Modal.Title fw={650} miw={0} className={classes.title}>
            <Key>{title}</Key>
          </Modal.Title>
          {closes && <Modal.CloseButton aria-label="Close" className={classes.close} />}
        </Group>
        <Modal.Body ref={markFirst}>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Mantine gives the keyboard to what is marked so, else to the first button, which only closes. */
function markFirst(body: HTMLElement | null) {
  if (!body || body.querySelector('[data-autofocus]')) return;
  body.querySelector('form :is(input, textarea, select):not(:disabled)')?.setAttribute('data-autofocus', 'true');
}
