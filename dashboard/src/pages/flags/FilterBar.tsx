import { Button, CloseButton, Group, NativeSelect, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useRef, useState } from 'react';
import type { FlagRow } from '../../api/schema';
import { useConfined } from '../../data/session';
import { useShortcut } from '../../data/shortcuts';
import { STAGES } from '../../data/stages';
import { IconSearch } from '../../parts/icons';
import { OneOf } from '../../parts/OneOf';
import classes from './FilterBar.module.css';
import { distinct, type Filters, PURPOSES, STATES } from './filters';

interface FilterBarProps {
  flags: FlagRow[];
  /** How many flags are archived. */
  archived: number;
  filters: Filters;
  change: (filters: Filters) => void;
  /** Opens the first flag that fits what was typed. */
  openFirst: (q: string) => void;
}

type Options = [value: string, label: string][];
type Choice = [name: 'purpose' | 'state' | 'stage', label: string, options: Options];

/** The search and the filters; on a narrow page the filters are behind a button. */
export function FilterBar({ flags, archived, filters, change, openFirst }: FilterBarProps) {
  const [open, { toggle }] = useDisclosure();
  // Stages speak of all environments.
  const confined = useConfined() !== undefined;
  const { q: _, ...others } = filters;
  const chosen = Object.values(others).filter(Boolean).length;
  const words = { owner: distinct(flags.map(({ owner }) => owner)), tag: distinct(flags.flatMap(({ tags }) => tags)) };
  const choices: Choice[] = [
    ['purpose', 'purpose', Object.entries(PURPOSES)],
    ['state', 'state', Object.entries({ ...STATES, archived: `Archived (${archived.toLocaleString('en')})` })],
    ...(confined ? [] : [['stage', 'stage', Object.entries(STAGES)] satisfies Choice]),
  ];
  return (
    <Group gap="xs" mb="sm" className={classes.bar}>
      <Search q={filters.q ?? ''} change={(q) => change({ ...filters, q: q || undefined })} openFirst={openFirst} />
      <Button variant="default" className={classes.more} onClick={toggle} aria-expanded={open} aria-controls="filters">
        {chosen === 0 ? 'Filters' : `Filters (${chosen})`}
      </Button>
      <div id="filters" className={classes.filters} data-open={open}>
        {(['owner', 'tag'] as const).map((name) => (
          <OneOf
            key={name}
            label={`Only this ${name}`}
            unseen
            any={`Any ${name}`}
            value={filters[name]}
            among={words[name]}
            className={classes.choice}
            change={(value) => change({ ...filters, [name]: value })}
          />
        ))}
        {choices.map(([name, label, options]) => (
          <NativeSelect
            key={name}
            aria-label={`Only this ${label}`}
            value={filters[name] ?? ''}
            data-chosen={filters[name] !== undefined}
            className={classes.choice}
            onChange={(event) => change({ ...filters, [name]: event.currentTarget.value || undefined })}
            data={[{ value: '', label: `Any ${label}` }, ...options.map(([value, label]) => ({ value, label }))]}
          />
        ))}
      </div>
    </Group>
  );
}

interface SearchProps {
  q: string;
  change: (q: string) => void;
  openFirst: (q: string) => void;
}

function Search({ q, change, openFirst }: SearchProps) {
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useTyped(q);
  useShortcut('/', 'Search', () => field.current?.focus());
  const type = (text: string) => {
    setTyped(text);
    change(text);
  };
  const clear = () => {
    type('');
    field.current?.focus();
  };
  return (
    <TextInput
      ref={field}
      type="search"
      className={classes.search}
      aria-label="Search flags"
      placeholder="Search by key, name, owner or tag"
      leftSection={<IconSearch />}
      rightSection={typed && <CloseButton aria-label="Clear the search" onClick={clear} />}
      value={typed}
      onChange={(event) => type(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') type('');
        if (event.key === 'Enter') openFirst(typed);
        if (event.key === 'ArrowDown') {
          event.preventDefault();
          document.querySelector<HTMLElement>('[data-index="0"] a')?.focus();
        }
      }}
      autoComplete="off"
      spellCheck={false}
    />
  );
}

/**
 * The field's own text. The address follows a moment later, and must not move what is typed meanwhile; whoever changes
 * the address elsewhere changes the field.
 */
function useTyped(q: string): [string, (text: string) => void] {
  const [{ typed, awaited }, set] = useState<{ typed: string; awaited: string | null }>({ typed: q, awaited: null });
  if (awaited === null ? q !== typed : q === awaited) set({ typed: awaited === null ? q : typed, awaited: null });
  return [typed, (text) => set({ typed: text, awaited: text === q ? null : text })];
}
