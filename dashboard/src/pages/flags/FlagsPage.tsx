import { Button, Code, Group, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useDeferredValue } from 'react';
import type { Overview } from '../../api/schema';
import { useOverview } from '../../data/flags';
import { useProject } from '../../data/place';
import { useConfined, useMayShared } from '../../data/session';
import { useStages } from '../../data/stages';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import { IconPlus } from '../../parts/icons';
import { LinkButton } from '../../parts/links';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { FilterBar } from './FilterBar';
import { FlagList } from './FlagList';
import { type Filters, isNarrowed, narrow } from './filters';
import { rememberOpened } from './opened';
import { useFilters } from './useFilters';

/** All flags of a project: found by typing, each with its state everywhere at a glance. */
export function FlagsPage() {
  const project = useProject();
  const [filters, setFilters] = useFilters();
  const overview = useOverview(project, filters.state === 'archived');
  return (
    <Page title="Flags" actions={<NewFlag project={project} />}>
      {overview.isPending && <Loading rows={10} />}
      {overview.error && !overview.data && <Failure error={overview.error} again={() => void overview.refetch()} />}
      {overview.data && (
        <Flags project={project} overview={overview.data} awaited={overview.isPlaceholderData} filters={filters} setFilters={setFilters} />
      )}
    </Page>
  );
}

function NewFlag({ project }: { project: string }) {
  if (!useMayShared('editor')) return null;
  return (
    <LinkButton to="/projects/$project/new-flag" params={{ project }} leftSection={<IconPlus size={16} />}>
      New flag
    </LinkButton>
  );
}

interface FlagsProps {
  project: string;
  overview: Overview;
  /** Whether what is there are still the others: live flags, while archived ones are read. */
  awaited: boolean;
  filters: Filters;
  setFilters: (filters: Filters) => void;
}

function Flags({ project, overview, awaited, filters, setFilters }: FlagsProps) {
  const navigate = useNavigate();
  const stages = useStages(project).data;
  const confined = useConfined();
  const environments = overview.environments.filter(({ key }) => confined === undefined || key === confined);
  // Typing stays quick however many flags there are: the list follows as soon as it can.
  const settled = useDeferredValue(filters);
  const archived = filters.state === 'archived';
  const showArchived = () => setFilters({ state: 'archived' });
  if (overview.flags.length === 0 && !archived) return <NoFlags archived={overview.archived} show={showArchived} />;
  const flags = narrow(overview.flags, settled, stages);
  const all = archived ? said(overview.flags.length, 'archived flag') : said(overview.flags.length);
  const { state: _, ...others } = settled;
  const openFirst = (q: string) => {
    const [first] = q ? narrow(overview.flags, { ...filters, q }, stages) : [];
    if (!first) return;
    rememberOpened(first.key);
    void navigate({ to: '/projects/$project/flags/$flag', params: { project, flag: first.key } });
  };
  const narrowed = isNarrowed(archived ? others : settled);
  return (
    <>
      <FilterBar flags={overview.flags} archived={overview.archived} filters={filters} change={setFilters} openFirst={openFirst} />
      {awaited ? (
        <Loading rows={10} />
      ) : (
        <>
          <Text size="sm" c="dimmed" mb="xs" role="status">
            {narrowed ? `${count(flags.length)} of ${all}` : all}
          </Text>
          {flags.length > 0 && <FlagList project={project} environments={environments} flags={flags} />}
          {flags.length === 0 && (
            <Nothing all={all} archived={archived ? 0 : overview.archived} show={showArchived} clear={() => setFilters({})} />
          )}
        </>
      )}
    </>
  );
}

interface NothingProps {
  all: string;
  /** How many archived flags were not looked at. */
  archived: number;
  show: () => void;
  clear: () => void;
}

function Nothing({ all, archived, show, clear }: NothingProps) {
  const actions = (
    <Group gap="xs" justify="center">
      <Button variant="default" onClick={clear}>
        Show all flags
      </Button>
      {archived > 0 && (
        <Button variant="default" onClick={show}>
          Show {said(archived, 'archived flag')}
        </Button>
      )}
    </Group>
  );
  return (
    <Empty title="No flag fits" action={actions}>
      None of the {all} fits what you look for.
    </Empty>
  );
}

function NoFlags({ archived, show }: { archived: number; show: () => void }) {
  const action = archived > 0 && (
    <Button variant="default" onClick={show}>
      Show {said(archived, 'archived flag')}
    </Button>
  );
  return (
    <Empty title="No flags yet" action={action}>
      Make the first one here, or with <Code>hoist flag create dashboard_v2 --owner web</Code>. It is off everywhere until
      somebody turns it on.
    </Empty>
  );
}

const count = (number: number) => number.toLocaleString('en');
const said = (number: number, what = 'flag') => `${count(number)} ${what}${number === 1 ? '' : 's'}`;
