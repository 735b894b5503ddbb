import { Button, Group, NativeSelect, Text } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { Coverage, Finding, StaleReport } from '../../api/schema';
import { useProject } from '../../data/place';
import { useConfined } from '../../data/session';
import { STAGES } from '../../data/stages';
import { useStale, VERDICTS } from '../../data/stale';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { OneOf } from '../../parts/OneOf';
import { Page } from '../../parts/Page';
import { FindingLine } from './FindingLine';
import classes from './Stale.module.css';
import { readStaleFilters, type StaleFilters } from './route';

/** So many findings are drawn at once. */
const AT_ONCE = 100;

/** Which flags to clean up, why, and what to do next. */
export function StalePage() {
  const project = useProject();
  const report = useStale(project);
  if (useConfined() !== undefined) {
    return (
      <Page title="Stale">
        <Empty title="Not for one environment">What is stale is found in all environments together, and your token sees one.</Empty>
      </Page>
    );
  }
  return (
    <Page title="Stale" lead={report.data && <Lead report={report.data} />} actions={<Exports project={project} />}>
      {report.isPending && <Loading rows={8} />}
      {report.error && !report.data && <Failure error={report.error} again={() => void report.refetch()} />}
      {report.data && <Findings project={project} items={report.data.items} />}
    </Page>
  );
}

function Lead({ report }: { report: StaleReport }) {
  if (report.summary.flags === 0) return <>No flags yet, so that nothing is stale.</>;
  const due = report.items.filter(isDue).length;
  const flags = report.summary.flags === 1 ? '1 flag' : `${report.summary.flags.toLocaleString('en')} flags`;
  const told = due === 0 ? `None of ${flags} needs attention.` : `${due.toLocaleString('en')} of ${flags} ${due === 1 ? 'needs' : 'need'} attention.`;
  return (
    <>
      {told} {heard(report.coverage)}
    </>
  );
}

/** What silence is worth: it says nothing of applications that nobody hears. */
function heard({ percent, unheard }: Coverage): string {
  if (percent > 0 || unheard.length === 0) return `${percent} % of the applications report what they evaluate.`;
  return `No application in ${unheard.join(' or ')} has reported what it evaluates.`;
}

function Exports({ project }: { project: string }) {
  const address = (format: string) => `/api/v1/projects/${encodeURIComponent(project)}/reports/stale?format=${format}`;
  return (
    <Group gap="xs">
      <Button component="a" variant="default" href={address('csv')} download="stale.csv">
        Export CSV
      </Button>
      <Button component="a" variant="default" href={address('markdown')} download="stale.md">
        Markdown
      </Button>
    </Group>
  );
}

const isDue = ({ verdict }: Finding) => verdict !== 'keep';

function Findings({ project, items }: { project: string; items: Finding[] }) {
  const filters = useSearch({ from: '/projects/$project/stale', select: readStaleFilters });
  const [shown, setShown] = useState(AT_ONCE);
  const fitting = items.filter(
    (it) =>
      (filters.verdict === 'all' || (filters.verdict ? it.verdict === filters.verdict : isDue(it))) &&
      (!filters.stage || it.stage === filters.stage) &&
      (!filters.owner || it.owner === filters.owner),
  );
  return (
    <>
      <Filters items={items} filters={filters} />
      <Text size="sm" c="dimmed" mb="xs" role="status">
        {fitting.length === 1 ? '1 finding' : `${fitting.length.toLocaleString('en')} findings`}
      </Text>
      {fitting.length === 0 && <Empty title="Nothing to clean up">No flag that fits needs attention.</Empty>}
      {fitting.length > 0 && (
        <ol className={lines.lines} aria-label="Findings">
          {fitting.slice(0, shown).map((finding) => (
            <FindingLine key={`${finding.stage ?? ''} ${finding.flag}`} project={project} finding={finding} />
          ))}
        </ol>
      )}
      {fitting.length > shown && (
        <Button mt="md" variant="default" onClick={() => setShown(shown + AT_ONCE)}>
          Show more
        </Button>
      )}
    </>
  );
}

function Filters({ items, filters }: { items: Finding[]; filters: StaleFilters }) {
  const navigate = useNavigate();
  const owners = [...new Set(items.flatMap(({ owner }) => (owner ? [owner] : [])))].toSorted((a, b) => a.localeCompare(b));
  const put = (name: keyof StaleFilters, value: string | undefined) => {
    const search = ({ environment }: { environment?: string | undefined }) => ({ environment, ...filters, [name]: value });
    void navigate({ from: '/projects/$project/stale', to: '.', search, replace: true });
  };
  const set = (name: keyof StaleFilters) => (event: { currentTarget: { value: string } }) =>
    put(name, event.currentTarget.value || undefined);
  const entries = (words: Record<string, string>) => Object.entries(words).map(([value, label]) => ({ value, label }));
  return (
    <div role="search" aria-label="Findings" className={classes.filters}>
      <NativeSelect
        label="What to do"
        value={filters.verdict ?? ''}
        onChange={set('verdict')}
        data={[{ value: '', label: 'Anything but keep' }, { value: 'all', label: 'Anything' }, ...entries(VERDICTS)]}
      />
      <NativeSelect
        label="Stage"
        value={filters.stage ?? ''}
        onChange={set('stage')}
        data={[{ value: '', label: 'Any stage' }, ...entries({ ...STAGES, archived: 'Archived' })]}
      />
      <OneOf label="Owner" any="Any owner" value={filters.owner} among={owners} change={(value) => put('owner', value)} />
    </div>
  );
}
