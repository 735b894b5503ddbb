import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Environment, Sealed, Settings } from '../../api/schema';
import { useHistory } from '../../data/history';
import { useMay } from '../../data/session';
import { bare, type SettingsPlace, useRestore, useSettings, useSettingsAt } from '../../data/settings';
import { said } from '../../parts/actions';
import { Lines } from '../../parts/Changes';
import { Dialog } from '../../parts/Dialog';
import { changeLines, differences, type Line, undone } from '../../parts/differences';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { Time } from '../../parts/Time';
import classes from './Flag.module.css';
import type { ContentProps } from './FlagPage';

/** What was done to the flag, here and everywhere at once, the newest first; each revision can be given back. */
export function History({ place, environment }: ContentProps) {
  const history = useHistory(place.project, place.flag);
  const current = useSettings(place).data;
  const [wanted, setWanted] = useState<Sealed>();
  const may = useMay('editor');
  if (history.error && !history.data) return <Failure error={history.error} again={() => void history.refetch()} />;
  if (!history.data) return <Loading rows={5} />;
  const all = history.data.pages.flatMap(({ items }) => items);
  // What names no environment is about the flag itself: made, described, archived.
  const entries = all.filter((entry) => !entry.environment || entry.environment === place.environment);
  const newest = entries.find(isSettings);
  const told = tell(entries, current && bare(current));
  return (
    <Stack gap="md">
      <ol style={{ margin: 0, padding: 0 }}>
        {entries.map((entry, index) => (
          <li key={entry.sequence} className={classes.entry}>
            <Group justify="space-between" align="flex-start" gap="xs">
              <div>
                <Text>
                  <b>{said(entry.action)}</b> by <Person actor={entry.actor} />, <Time at={entry.at} />
                  {entry.via !== 'api' && <Text span c="dimmed">{` · ${entry.via}`}</Text>}
                </Text>
                {entry.reason && <Text>“{entry.reason}”</Text>}
              </div>
              {may && entry !== newest && entry.revision && isSettings(entry) && (
                <Button size="xs" variant="default" onClick={() => setWanted(entry)}>
                  Restore revision {entry.revision}
                </Button>
              )}
            </Group>
            <Lines lines={told[index] ?? []} />
          </li>
        ))}
      </ol>
      {entries.length === 0 && !history.hasNextPage && <Text c="dimmed">Nothing was done to it here yet.</Text>}
      {history.hasNextPage && (
        <Button variant="default" onClick={() => void history.fetchNextPage()} loading={history.isFetchingNextPage}>
          Show earlier changes
        </Button>
      )}
      {wanted && <Restore place={place} environment={environment} entry={wanted} close={() => setWanted(undefined)} />}
    </Stack>
  );
}

const isSettings = ({ action }: Sealed) => action.startsWith('settings.');

/**
 * Each entry in words. Walking back from what holds now, every change is told between the settings before and after it,
 * so that rules and shares have their names; as soon as one does not fit, the rest is told as far as it goes by itself.
 */
function tell(entries: Sealed[], now: Settings | undefined): Line[][] {
  let after = now;
  return entries.map((entry) => {
    const { changes } = entry;
    if (!isSettings(entry) || after === undefined) return changeLines(changes);
    const before = undone(after, changes);
    const told = before ? differences(before, after) : changeLines(changes);
    after = before;
    return told;
  });
}

interface RestoreProps {
  place: SettingsPlace;
  environment: Environment;
  entry: Sealed;
  close: () => void;
}

function Restore({ place, environment, entry, close }: RestoreProps) {
  const revision = entry.revision ?? 0;
  const current = useSettings(place).data;
  const then = useSettingsAt(place, revision);
  const restore = useRestore(place);
  const [reason, setReason] = useState('');
  const save = () =>
    current &&
    restore.mutate({ body: { revision, ...(reason && { reason }) }, version: current.version }, { onSuccess: close });
  const changes = current && then.data && differences(current, then.data);
  return (
    <Dialog title={`Restore what revision ${revision} said?`} opened onClose={close} size="lg">
      <Stack gap="md">
        <Group gap="xs">
          <EnvironmentName environment={environment} />
          <Text size="sm" c="dimmed">
            {place.flag}, as it was <Time at={entry.at} />
          </Text>
        </Group>
        {then.error && <Failure error={then.error} again={() => void then.refetch()} />}
        {!changes && !then.error && <Loading rows={2} />}
        {changes && changes.length > 0 && <Lines lines={changes} />}
        {changes?.length === 0 && <Text size="sm">It says that already: nothing would change.</Text>}
        <Text size="sm" c="dimmed">
          It becomes a change of its own, and can be taken back the same way.
        </Text>
        {restore.error && <Alert color="ember" variant="light" title="Not restored" role="alert">{restore.error.message}</Alert>}
        <Reason value={reason} onChange={setReason} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            Leave it
          </Button>
          <Button onClick={save} loading={restore.isPending} disabled={!changes} color={environment.protected ? 'ember.7' : undefined}>
            {environment.protected ? `Restore in ${environment.name || environment.key}` : 'Restore'}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
