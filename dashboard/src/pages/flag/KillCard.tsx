import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Environment, FlagSettings } from '../../api/schema';
import { useReceipts } from '../../data/instances';
import { type SettingsPlace, useKill } from '../../data/settings';
import lines from '../../parts/Lines.module.css';
import { Reason } from '../../parts/Reason';
import classes from './Flag.module.css';

interface KillCardProps {
  place: SettingsPlace;
  environment: Environment;
  settings: FlagSettings;
  may: boolean;
}

/** Off at once, with no approval; then why, and who has it. */
export function KillCard({ place, environment, settings, may }: KillCardProps) {
  const kill = useKill(place);
  const [killed, setKilled] = useState<number>();
  const off = () => kill.mutate('', { onSuccess: ({ revision }) => setKilled(revision) });
  return (
    <section className={`${lines.card} ${classes.card} ${environment.protected ? classes.danger : ''}`} aria-labelledby="kill-title">
      <Stack gap="md">
        <Title order={2} id="kill-title">
          Take it back
        </Title>
        <Text>
          Turns {place.flag} off for everyone in {environment.name}, at once and without approval. Rules and percentages stay
          as they are for when it is turned on again.
        </Text>
        {kill.error && <Alert color="ember" variant="light" title="It is not off" role="alert">{kill.error.message}</Alert>}
        {settings.enabled ? (
          <HoldButton label={`Hold to kill in ${environment.name}`} disabled={!may} busy={kill.isPending} done={off} />
        ) : (
          <Text fw={600}>It is off.</Text>
        )}
        {killed !== undefined && (
          <>
            <Received place={place} revision={killed} />
            <Why record={(reason) => kill.mutateAsync(reason)} />
          </>
        )}
      </Stack>
    </section>
  );
}

const HOLD_MS = 1_000;

/** A button that acts once it was held for a second, by pointer or by key, so that nobody presses it by mistake. */
function HoldButton({ label, disabled, busy, done }: { label: string; disabled: boolean; busy: boolean; done: () => void }) {
  const [held, setHeld] = useState(false);
  const timer = useRef<number>(undefined);
  const release = () => {
    window.clearTimeout(timer.current);
    timer.current = undefined;
    setHeld(false);
  };
  const hold = () => {
    if (timer.current !== undefined || disabled) return;
    setHeld(true);
    timer.current = window.setTimeout(() => {
      release();
      done();
    }, HOLD_MS);
  };
  useEffect(() => release, []);
  const isPress = (key: string) => key === ' ' || key === 'Enter';
  return (
    <Button
      color="ember.7"
      className={classes.holding}
      data-held={held}
      disabled={disabled}
      loading={busy}
      style={{ alignSelf: 'flex-start' }}
      onPointerDown={hold}
      onPointerUp={release}
      onPointerLeave={release}
      onBlur={release}
      onKeyDown={(event) => {
        if (isPress(event.key)) hold();
      }}
      onKeyUp={(event) => {
        if (isPress(event.key)) release();
      }}
    >
      {held ? 'Keep holding…' : label}
    </Button>
  );
}

/** Counts, live, who runs the flag off. */
function Received({ place, revision }: { place: SettingsPlace; revision: number }) {
  const receipts = useReceipts(place.project, place.environment, revision).data;
  if (!receipts) return <Text role="status">Asking who has it…</Text>;
  const { instances, at_revision: have, slowest_ms: slowest, items } = receipts;
  if (instances === 0) return <Text role="status">It is off at revision {revision}. No instance is connected.</Text>;
  const missing = items.filter(({ present }) => present).map(({ name }) => name);
  return (
    <Text role="status" fw={600} c={have < instances ? undefined : 'var(--hoist-on)'}>
      {`${have} of ${instances} instances have it off`}
      {slowest !== null && slowest !== undefined && `, the slowest after ${(slowest / 1_000).toFixed(1)} s`}
      {have < instances && missing.length > 0 && `; missing ${missing.join(', ')}`}
    </Text>
  );
}

/** Asks why, once it is off. */
function Why({ record }: { record: (reason: string) => Promise<unknown> }) {
  const [reason, setReason] = useState('');
  const [kept, setKept] = useState(false);
  if (kept) return <Text size="sm">The reason is on record.</Text>;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void record(reason).then(() => setKept(true));
      }}
    >
      <Reason value={reason} onChange={setReason} optional={false} />
      <Group justify="flex-end" mt="xs">
        <Button type="submit" variant="default" disabled={!reason.trim()}>
          Put it on record
        </Button>
      </Group>
    </form>
  );
}
