import { Button, Group } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type AuditFilters, exportAddress, useAudit } from '../../data/audit';
import { useEnvironments } from '../../data/environments';
import { useProject } from '../../data/place';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { AuditFilterBar } from './AuditFilterBar';
import { EntryLine } from './EntryLine';
import { readAuditFilters } from './route';

/** Who changed what, when and why: all of it, newest first. */
export function AuditPage() {
  const project = useProject();
  const filters = useSearch({ from: '/projects/$project/audit', select: readAuditFilters });
  const navigate = useNavigate();
  const change = (next: AuditFilters) =>
    void navigate({
      from: '/projects/$project/audit',
      to: '.',
      search: ({ environment }) => ({ environment, ...next }),
      replace: true,
    });
  return (
    <Page title="Audit" lead="Who changed what, when and why. Nothing is ever taken out of it." actions={<Exports project={project} filters={filters} />}>
      <AuditFilterBar filters={filters} change={change} />
      <Entries project={project} filters={filters} clear={() => change({})} />
    </Page>
  );
}

function Exports({ project, filters }: { project: string; filters: AuditFilters }) {
  return (
    <Group gap="xs">
      <Button component="a" variant="default" href={exportAddress(project, filters, 'csv')} download>
        Export CSV
      </Button>
      <Button component="a" variant="default" href={exportAddress(project, filters, 'ndjson')} download>
        NDJSON
      </Button>
    </Group>
  );
}

function Entries({ project, filters, clear }: { project: string; filters: AuditFilters; clear: () => void }) {
  const audit = useAudit(project, filters);
  const environments = useEnvironments(project).data ?? [];
  if (audit.isPending) return <Loading rows={8} />;
  if (audit.error && !audit.data) return <Failure error={audit.error} again={() => void audit.refetch()} />;
  const entries = audit.data?.pages.flatMap(({ items }) => items) ?? [];
  if (entries.length === 0) {
    const narrowed = Object.values(filters).some(Boolean);
    if (!narrowed) return <Empty title="Nothing has happened yet">The first change will stand here.</Empty>;
    return <Empty title="No entry fits" action={<Button variant="default" onClick={clear}>Show all entries</Button>} />;
  }
  return (
    <>
      <ol className={lines.lines} aria-label="Audit entries">
        {entries.map((entry) => (
          <EntryLine key={entry.sequence} project={project} entry={entry} environments={environments} />
        ))}
      </ol>
      {audit.hasNextPage && (
        <Button mt="md" variant="default" loading={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
          Show older entries
        </Button>
      )}
    </>
  );
}
