import { Button, Group } from '@mantine/core';
import type { Environment } from '../../api/schema';
import lines from '../../parts/Lines.module.css';
import { Reason } from '../../parts/Reason';
import classes from './Flag.module.css';

interface SaveBarProps {
  environment: Environment;
  reason: string;
  setReason: (reason: string) => void;
  discard: () => void;
  save: () => void;
  busy: boolean;
}

/** What is not saved, at the foot of the window wherever one is in the form. */
export function SaveBar({ environment, reason, setReason, discard, save, busy }: SaveBarProps) {
  return (
    <section className={`${lines.card} ${classes.bar}`} aria-label="Not saved yet">
      <div className={classes.why}>
        <Reason value={reason} onChange={setReason} />
      </div>
      <Group gap="sm" justify="flex-end" wrap="nowrap">
        <Button variant="default" onClick={discard}>
          Discard
        </Button>
        <Button data-save onClick={save} loading={busy} color={environment.protected ? 'ember.7' : undefined}>
          {`Save in ${environment.name || environment.key}`}
        </Button>
      </Group>
    </section>
  );
}
