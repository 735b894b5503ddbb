import type { ReactNode } from 'react';
import { ConfirmDialog } from './ConfirmDialog';

/** A change that is sent with a reason: what it is doing, and what was refused. */
interface Change {
  mutate: (reason: string, then: { onSuccess: () => void }) => void;
  isPending: boolean;
  error: Error | null;
}

interface ChangeDialogProps {
  /** What the button says: the act itself. */
  action: string;
  /** What the dialog is called where the act alone says too little. */
  title?: string;
  change: Change;
  /** What follows when it is done, unless that the dialog goes. */
  done?: () => void;
  onClose: () => void;
  /** What the act does, and to whom. */
  children: ReactNode;
}

/** Asks before one change, sends it with its reason, and goes. */
export function ChangeDialog({ action, title = action, change, done, onClose, children }: ChangeDialogProps) {
  return (
    <ConfirmDialog
      title={title}
      action={action}
      act={(reason) => change.mutate(reason, { onSuccess: done ?? onClose })}
      busy={change.isPending}
      error={change.error}
      onClose={onClose}
    >
      {children}
    </ConfirmDialog>
  );
}
