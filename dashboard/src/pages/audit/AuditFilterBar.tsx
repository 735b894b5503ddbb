import { NativeSelect, TextInput } from '@mantine/core';
import type { Action } from '../../api/schema';
import { type AuditFilters, useActors } from '../../data/audit';
import { useEnvironments } from '../../data/environments';
import { useOverview } from '../../data/flags';
import { useProject } from '../../data/place';
import { said } from '../../parts/actions';
import { nameOf } from '../../parts/Person';
import { Typed } from '../../parts/Typed';
import classes from './Audit.module.css';

const ACTIONS: Action[] = [
  'settings.updated', 'settings.rollout', 'settings.killed', 'settings.restored', 'settings.promoted',
  'flag.created', 'flag.updated', 'flag.archived', 'flag.restored', 'flag.deleted',
  'segment.created', 'segment.updated', 'segment.deleted',
  'environment.created', 'environment.updated', 'environment.deleted',
  'token.created', 'token.revoked',
  'project.created', 'project.updated', 'project.deleted', 'project.imported',
];

interface AuditFilterBarProps {
  filters: AuditFilters;
  change: (filters: AuditFilters) => void;
}

/** What the audit is narrowed by; each field stands in the address. */
export function AuditFilterBar({ filters, change }: AuditFilterBarProps) {
  const project = useProject();
  const environments = useEnvironments(project).data ?? [];
  const actors = useActors(project);
  const flags = useOverview(project).data?.flags.map(({ key }) => key) ?? [];
  const set = (name: keyof AuditFilters) => (value: string) => change({ ...filters, [name]: value || undefined });
  const named = environments.map(({ key, name }) => ({ value: key, label: name || key }));
  return (
    <div role="search" aria-label="Audit" className={classes.filters}>
      <Typed label="Flag" placeholder="Its key" value={filters.flag} among={flags} change={set('flag')} />
      <NativeSelect
        label="Environment"
        value={filters.where ?? ''}
        onChange={(event) => set('where')(event.currentTarget.value)}
        data={[{ value: '', label: 'All' }, ...named]}
      />
      <Typed
        label="Who"
        placeholder="Their name"
        value={filters.actor && nameOf(filters.actor)}
        among={actors.map(nameOf)}
        change={(name) => set('actor')(actorOf(name, actors))}
      />
      <NativeSelect
        label="What was done"
        value={filters.action ?? ''}
        onChange={(event) => set('action')(event.currentTarget.value)}
        data={[{ value: '', label: 'Anything' }, ...ACTIONS.map((value) => ({ value, label: said(value) }))]}
      />
      <TextInput type="date" label="From" value={filters.since ?? ''} onChange={(event) => set('since')(event.currentTarget.value)} />
      <TextInput type="date" label="Until" value={filters.until ?? ''} onChange={(event) => set('until')(event.currentTarget.value)} />
    </div>
  );
}

/** Whom a name means: one of those seen, else a token of that name. */
function actorOf(name: string, actors: string[]): string {
  if (name === '' || name.includes(':')) return name;
  return actors.find((actor) => nameOf(actor) === name) ?? `token:${name}`;
}
