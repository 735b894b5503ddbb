import { Button, Checkbox, Group, Text, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Instances } from '../../api/schema';
import { type InstanceFilters, useInstances } from '../../data/instances';
import { useEnvironment, useProject } from '../../data/place';
import { Empty } from '../../parts/Empty';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { InstanceTable } from './InstanceTable';
import { inTime } from './lag';
import { readInstanceFilters } from './route';

/** Which program runs which revision of the environment's flags, and how far the others are behind. */
export function InstancesPage() {
  const project = useProject();
  const environment = useEnvironment();
  const filters = useSearch({ from: '/projects/$project/instances', select: readInstanceFilters });
  const found = useInstances(project, environment?.key, filters);
  const newest = found.data?.pages[0];
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title="Instances" lead={environment && <Group component="span" gap={6}>Programs that follow <EnvironmentName environment={environment} /></Group>}>
      {environment && found.isPending && <Loading />}
      {found.error && !newest && <Failure error={found.error} again={() => void found.refetch()} />}
      {newest && <Summary newest={newest} />}
      {newest && <Filters filters={filters} />}
      {newest && items.length === 0 && <Nobody narrowed={Boolean(filters.app || filters.behind)} />}
      {newest && items.length > 0 && <InstanceTable instances={items} newest={newest.revision} />}
      {found.hasNextPage && (
        <Button mt="md" variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          Show more
        </Button>
      )}
    </Page>
  );
}

function Summary({ newest }: { newest: Instances }) {
  const { at_revision: there, instances, revision, slowest_ms: slowest, not_connected: gone } = newest;
  const all = instances > 0 && there === instances;
  return (
    <Text mb="md" role="status" fw={600} c={all || instances === 0 ? undefined : 'var(--hoist-production)'}>
      {instances === 0 ? 'Nobody is connected' : `${there} of ${instances} run revision ${revision}`}
      <Text span fw={400} c="dimmed">
        {slowest !== null && slowest !== undefined && `; the slowest had it after ${inTime(slowest)}`}
        {gone > 0 && `; ${gone} ${instances > 0 ? 'more ' : ''}${gone === 1 ? 'is' : 'are'} known and not connected`}
        {newest.full && '; as many as are kept, others may be connected'}
      </Text>
    </Text>
  );
}

function Filters({ filters }: { filters: InstanceFilters }) {
  const navigate = useNavigate();
  const change = (next: InstanceFilters) =>
    void navigate({
      from: '/projects/$project/instances',
      to: '.',
      search: ({ environment }) => ({ environment, ...next }),
      replace: true,
    });
  return (
    <Group gap="md" mb="sm">
      <TextInput
        aria-label="Only this application"
        placeholder="Any application"
        defaultValue={filters.app ?? ''}
        onChange={(event) => change({ ...filters, app: event.currentTarget.value.trim() || undefined })}
        spellCheck={false}
      />
      <Checkbox
        label="Only those behind"
        checked={filters.behind ?? false}
        onChange={(event) => change({ ...filters, behind: event.currentTarget.checked || undefined })}
      />
    </Group>
  );
}

function Nobody({ narrowed }: { narrowed: boolean }) {
  if (narrowed) return <Empty title="None fits">No program that follows this environment is like that.</Empty>;
  return (
    <Empty title="No program yet">
      Whatever connects with an SDK key of this environment is listed here, with the revision it runs.
    </Empty>
  );
}
