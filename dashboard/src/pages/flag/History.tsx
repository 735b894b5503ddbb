import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Sealed } from '../../api/schema';
import { useHistory } from '../../data/history';
import { type SettingsPlace, useRestore, useSettings } from '../../data/settings';
import { Changes } from '../../parts/Changes';
import { Dialog } from '../../parts/Dialog';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { Time } from '../../parts/Time';
import { useMay } from '../../data/session';
import type { ContentProps } from './FlagPage';
import classes from './Flag.module.css';
import { said } from '../../parts/actions';

/** What was done to the flag here, the newest first; each revision can be given back. */
export function History({ place }: ContentProps) {
  const history = useHistory(place.project, place.flag, place.environment);
  const [wanted, setWanted] = useState<Sealed>();
  const may = useMay('editor');
  if (history.error && !history.data) return <Failure error={history.error} again={() => void history.refetch()} />;
  if (!history.data) return <Loading rows={5} />;
  const entries = history.data.pages.flatMap(({ items }) => items);
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
              {may && index > 0 && entry.revision && entry.action.startsWith('settings.') && (
                <Button size="xs" variant="default" onClick={() => setWanted(entry)}>
                  Restore revision {entry.revision}
                </Button>
              )}
            </Group>
            <Changes changes={entry.changes} />
          </li>
        ))}
      </ol>
      {entries.length === 0 && <Text c="dimmed">Nothing was done to it here yet.</Text>}
      {history.hasNextPage && (
        <Button variant="default" onClick={() => void history.fetchNextPage()} loading={history.isFetchingNextPage}>
          Show earlier changes
        </Button>
      )}
      {wanted && <Restore place={place} entry={wanted} close={() => setWanted(undefined)} />}
    </Stack>
  );
}

function Restore({ place, entry, close }: { place: SettingsPlace; entry: Sealed; close: () => void }) {
  const current = useSettings(place).data;
  const restore = useRestore(place);
  const [reason, setReason] = useState('');
  const revision = entry.revision ?? 0;
  const save = () =>
    current &&
    restore.mutate({ body: { revision, ...(reason && { reason }) }, version: current.version }, { onSuccess: close });
  return (
    <Dialog title={`Restore what revision ${revision} said?`} opened onClose={close}>
      <Stack gap="md">
        <Text>
          {place.flag} gets back the settings that it had in {place.environment} after this change. It becomes a change of its
          own, and can be taken back the same way.
        </Text>
        {restore.error && <Alert color="ember" variant="light" title="Not restored" role="alert">{restore.error.message}</Alert>}
        <Reason value={reason} onChange={setReason} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button onClick={save} loading={restore.isPending}>
            Restore
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
