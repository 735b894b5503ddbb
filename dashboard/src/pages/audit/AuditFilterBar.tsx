import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Action } from '../../api/schema';
import type { AuditFilters } from '../../data/audit';
import { useEnvironments } from '../../data/environments';
import { useProject } from '../../data/place';
import { said } from '../../parts/actions';
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
  const environments = useEnvironments(useProject()).data ?? [];
  const set = (name: keyof AuditFilters) => (value: string) => change({ ...filters, [name]: value || undefined });
  const named = environments.map(({ key, name }) => ({ value: key, label: name || key }));
  return (
    <div role="search" aria-label="Audit" className={classes.filters}>
      <Typed label="Flag" placeholder="Its key" value={filters.flag} change={set('flag')} />
      <NativeSelect
        label="Environment"
        value={filters.where ?? ''}
        onChange={(event) => set('where')(event.currentTarget.value)}
        data={[{ value: '', label: 'All' }, ...named]}
      />
      <Typed label="Who" placeholder="token:deploy" value={filters.actor} change={set('actor')} />
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

interface TypedProps {
  label: string;
  placeholder: string;
  value: string | undefined;
  change: (value: string) => void;
}

/** A text that is looked for when it is typed to its end: the server finds whole names only. */
function Typed({ label, placeholder, value = '', change }: TypedProps) {
  const [{ typed, stands }, set] = useState({ typed: value, stands: value });
  if (stands !== value) set({ typed: value, stands: value });
  return (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={typed}
      onChange={(event) => set({ typed: event.currentTarget.value, stands: value })}
      onBlur={() => change(typed.trim())}
      onKeyDown={(event) => {
        if (event.key === 'Enter') change(typed.trim());
      }}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
