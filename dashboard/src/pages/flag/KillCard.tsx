import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Environment, FlagSettings } from '../../api/schema';
import { useReceipts } from '../../data/instances';
import { type SettingsPlace, useKill, useKillReason } from '../../data/settings';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import lines from '../../parts/Lines.module.css';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { useUnsaved } from '../../parts/Unsaved';
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
  const [remembered] = useState(() => unexplained(place, settings));
  const [killed, setKilled] = useState(remembered);
  const [told, setTold] = useState(false);
  const off = (reason: string) => {
    setTold(reason.trim() !== '');
    const onSuccess = (killed: FlagSettings) => {
      setKilled(killed);
      if (!reason.trim()) UNEXPLAINED.set(nameOf(place), killed);
    };
    kill.mutate(reason.trim(), { onSuccess });
  };
  const stands = killed && settings.version === killed.version;
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
        {settings.enabled && (
          <HoldButton place={place} environment={environment} disabled={!may} busy={kill.isPending} done={off} />
        )}
        <div role="status">
          {!settings.enabled && <Text fw={600}>It is off.</Text>}
          {killed && !stands && (
            <Text size="sm" c="dimmed">
              <Person first actor={settings.changed_by} /> has changed it since it was turned off at revision {killed.revision}.
            </Text>
          )}
        </div>
        {stands && (
          <>
            <Received place={place} revision={killed.revision} />
            {!told && may && <Why place={place} version={killed.version} fresh={killed !== remembered} />}
          </>
        )}
      </Stack>
    </section>
  );
}

/** The last kill of each flag of which nobody has said why, so that it can still be said after a look at another page. */
const UNEXPLAINED = new Map<string, FlagSettings>();

const nameOf = ({ project, environment, flag }: SettingsPlace) => [project, environment, flag].join('/');

/** The kill that is what holds, if it was made on this page and has no reason yet. */
function unexplained(place: SettingsPlace, settings: FlagSettings): FlagSettings | undefined {
  const killed = UNEXPLAINED.get(nameOf(place));
  return killed?.version === settings.version ? killed : undefined;
}

const HOLD_MS = 1_000;

interface HoldButtonProps {
  place: SettingsPlace;
  environment: Environment;
  disabled: boolean;
  busy: boolean;
  done: (reason: string) => void;
}

/**
 * A button that acts once it was held for a second, by pointer or by key, so that nobody presses it by mistake. What
 * presses it for a person, such as a screen reader or a voice, cannot hold: then it asks instead.
 */
function HoldButton({ place, environment, disabled, busy, done }: HoldButtonProps) {
  const [held, setHeld] = useState(false);
  const [short, setShort] = useState(false);
  const [asking, setAsking] = useState(false);
  const timer = useRef<number>(undefined);
  const release = () => {
    window.clearTimeout(timer.current);
    timer.current = undefined;
    setHeld(false);
  };
  const hold = () => {
    if (timer.current !== undefined || disabled) return;
    setShort(false);
    setHeld(true);
    timer.current = window.setTimeout(() => {
      release();
      done('');
    }, HOLD_MS);
  };
  const giveUp = () => {
    if (timer.current !== undefined) setShort(true);
    release();
  };
  useEffect(() => release, []);
  const isPress = (key: string) => key === ' ' || key === 'Enter';
  return (
    <div>
      <Button
        color="ember.7"
        className={classes.holding}
        data-held={held}
        disabled={disabled}
        loading={busy}
        onPointerDown={(event) => {
          if (event.button === 0) hold();
        }}
        onPointerUp={giveUp}
        onPointerLeave={giveUp}
        onBlur={release}
        onKeyDown={(event) => {
          if (event.key === 'Escape') release();
          if (!isPress(event.key)) return;
          event.preventDefault();
          hold();
        }}
        onKeyUp={(event) => {
          if (!isPress(event.key)) return;
          event.preventDefault();
          giveUp();
        }}
        onClick={(event) => {
          // Keys are kept from clicking, and a pointer's click has a count: this one has neither.
          if (event.detail === 0) setAsking(true);
        }}
      >
        {held ? 'Keep holding…' : `Hold to kill in ${environment.name}`}
      </Button>
      <Text role="status" size="sm" c="dimmed" mt={short ? 6 : 0}>
        {short && 'Hold it for a second, so that nobody presses it by mistake.'}
      </Text>
      {asking && (
        <ConfirmDialog
          title={`Kill ${place.flag} in ${environment.name}`}
          action={`Kill in ${environment.name}`}
          act={(reason) => { setAsking(false); done(reason); }}
          busy={busy}
          error={null}
          onClose={() => setAsking(false)}
        >
          It is off for everyone in {environment.name} at once.
        </ConfirmDialog>
      )}
    </div>
  );
}

/** Counts, live, who runs the flag off. */
function Received({ place, revision }: { place: SettingsPlace; revision: number }) {
  const receipts = useReceipts(place.project, place.environment, revision).data;
  if (!receipts) return <Text role="status">Asking who has it…</Text>;
  const { instances, at_revision: have, slowest_ms: slowest, items } = receipts;
  if (instances === 0) return <Text role="status">It is off at revision {revision}. No instance is connected.</Text>;
  const missing = items.filter(({ present }) => present).map(({ app, name }) => (app ? `${app} on ${name}` : name));
  return (
    <Text role="status" fw={600} c={have < instances ? undefined : 'var(--hoist-on)'}>
      {`${have} of ${instances} instances have it off`}
      {slowest !== null && slowest !== undefined && `, the slowest after ${(slowest / 1_000).toFixed(1)} s`}
      {have < instances && missing.length > 0 && `; missing ${missing.join(', ')}`}
    </Text>
  );
}

interface WhyProps {
  place: SettingsPlace;
  version: number;
  /** Whether it was turned off just now: then the keyboard comes here. */
  fresh: boolean;
}

/** Asks why, once it is off. */
function Why({ place, version, fresh }: WhyProps) {
  const [reason, setReason] = useState('');
  const record = useKillReason(place);
  // The key that was held to kill may still be down.
  const held = useRef(fresh);
  const unsaid = reason.trim() !== '' && !record.isPending && !record.isSuccess;
  const { question } = useUnsaved(unsaid, () => undefined, { perEnvironment: true });
  if (record.isSuccess) return <Text size="sm" role="status">The reason is on record.</Text>;
  return (
    <form
      onKeyDownCapture={(event) => {
        held.current &&= event.repeat;
        if (held.current) event.preventDefault();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        record.mutate({ reason, version }, { onSuccess: () => void UNEXPLAINED.delete(nameOf(place)) });
      }}
    >
      {record.error && (
        <Alert color="ember" variant="light" title="The reason is not on record" role="alert" mb="xs">
          {record.error.message}
        </Alert>
      )}
      <Reason value={reason} onChange={setReason} optional={false} autoFocus={fresh} />
      <Group justify="flex-end" mt="xs">
        <Button type="submit" variant="default" disabled={!reason.trim()} loading={record.isPending}>
          Put it on record
        </Button>
      </Group>
      {question}
    </form>
  );
}
