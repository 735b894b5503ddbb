import { Alert, SimpleGrid, Stack, Text } from '@mantine/core';
import { useSettings } from '../../data/settings';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { useMay } from '../../data/session';
import type { ContentProps } from './FlagPage';
import { KillCard } from './KillCard';
import { RolloutCard } from './RolloutCard';

/** How many get the flag, and the way to take it back at once. */
export function RolloutTab({ place, flag, environment }: ContentProps) {
  const settings = useSettings(place);
  const may = useMay('editor') && !flag.archived_at;
  if (settings.error && !settings.data) return <Failure error={settings.error} again={() => void settings.refetch()} />;
  if (!settings.data) return <Loading />;
  return (
    <Stack gap="md">
      {(settings.data.rules ?? []).length > 0 && (
        <Alert color="ink" variant="light" title="Rules come first">
          This flag has rules in {environment.name}. Whoever they serve is not counted here; the percentage is of everyone else.
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <RolloutCard place={place} environment={environment} settings={settings.data} type={flag.type} may={may} />
        <KillCard place={place} environment={environment} settings={settings.data} may={may} />
      </SimpleGrid>
      {!may && <Text c="dimmed">{flag.archived_at ? 'Restore it to change it.' : 'You may look, and not change.'}</Text>}
    </Stack>
  );
}
