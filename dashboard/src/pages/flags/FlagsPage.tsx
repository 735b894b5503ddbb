import { Button, Code, Text } from '@mantine/core';
import { useDeferredValue } from 'react';
import type { Overview } from '../../api/schema';
import { useOverview } from '../../data/flags';
import { useProject } from '../../data/place';
import { useMay } from '../../data/session';
import { useStages } from '../../data/stages';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import { IconPlus } from '../../parts/icons';
import { LinkButton } from '../../parts/links';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { FilterBar } from './FilterBar';
import { FlagList } from './FlagList';
import { isNarrowed, narrow } from './filters';
import { useFilters } from './useFilters';

/** All flags of a project: found by typing, each with its state everywhere at a glance. */
export function FlagsPage() {
  const project = useProject();
  const overview = useOverview(project);
  return (
    <Page title="Flags" actions={<NewFlag project={project} />}>
      {overview.isPending && <Loading rows={10} />}
      {overview.error && !overview.data && <Failure error={overview.error} again={() => void overview.refetch()} />}
      {overview.data && <Flags project={project} overview={overview.data} />}
    </Page>
  );
}

function NewFlag({ project }: { project: string }) {
  if (!useMay('editor')) return null;
  return (
    <LinkButton to="/projects/$project/new-flag" params={{ project }} leftSection={<IconPlus size={16} />}>
      New flag
    </LinkButton>
  );
}

function Flags({ project, overview }: { project: string; overview: Overview }) {
  const [filters, setFilters] = useFilters();
  const stages = useStages(project).data;
  // Typing stays quick however many flags there are: the list follows as soon as it can.
  const settled = useDeferredValue(filters);
  if (overview.flags.length === 0) return <NoFlags archived={overview.archived} />;
  const flags = narrow(overview.flags, settled, stages);
  return (
    <>
      <FilterBar flags={overview.flags} filters={filters} change={setFilters} />
      <Text size="sm" c="dimmed" mb="xs" role="status">
        {isNarrowed(settled) ? `${count(flags.length)} of ${said(overview.flags.length)}` : said(flags.length)}
      </Text>
      {flags.length > 0 ? (
        <FlagList project={project} environments={overview.environments} flags={flags} />
      ) : (
        <Empty title="No flag fits" action={<Button variant="default" onClick={() => setFilters({})}>Show all flags</Button>}>
          None of the {said(overview.flags.length)} fits what you look for.
        </Empty>
      )}
    </>
  );
}

function NoFlags({ archived }: { archived: number }) {
  return (
    <Empty title="No flags yet">
      Make the first one here, or with <Code>hoist flag create dashboard_v2 --owner web</Code>. It is off everywhere until
      somebody turns it on.
      {archived > 0 && ` ${said(archived)} of this project ${archived === 1 ? 'is' : 'are'} archived.`}
    </Empty>
  );
}

const count = (number: number) => number.toLocaleString('en');
const said = (number: number) => (number === 1 ? '1 flag' : `${count(number)} flags`);
