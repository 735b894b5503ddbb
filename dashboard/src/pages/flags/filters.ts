import type { FlagRow, Purpose, Stage } from '../../api/schema';
import { oneOf, text } from '../../search';

export const STATES = {
  on: 'On everywhere',
  partial: 'On in some',
  off: 'Off everywhere',
  archived: 'Archived',
} as const;
export type State = keyof typeof STATES;

export const PURPOSES: Record<Purpose, string> = {
  release: 'Release',
  experiment: 'Experiment',
  operational: 'Operational',
  kill_switch: 'Kill switch',
  permission: 'Permission',
};

/** What the list is narrowed by, as it stands in the address. */
export interface Filters {
  q?: string | undefined;
  owner?: string | undefined;
  tag?: string | undefined;
  purpose?: Purpose | undefined;
  state?: State | undefined;
  stage?: string | undefined;
}

export function readFilters(search: Record<string, unknown>): Filters {
  return {
    q: text(search['q']),
    owner: text(search['owner']),
    tag: text(search['tag']),
    purpose: oneOf(Object.keys(PURPOSES) as Purpose[], search['purpose']),
    state: oneOf(Object.keys(STATES) as State[], search['state']),
    stage: text(search['stage']),
  };
}

export function isNarrowed(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== undefined);
}

/** The flags that fit all filters; each word that is searched for is in the key, the name, the owner or a tag. */
export function narrow(flags: FlagRow[], filters: Filters, stages: Record<string, Stage> | undefined): FlagRow[] {
  const words = (filters.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return flags.filter(
    (flag) =>
      (!filters.owner || flag.owner === filters.owner) &&
      (!filters.tag || flag.tags.includes(filters.tag)) &&
      (!filters.purpose || flag.purpose === filters.purpose) &&
      (!filters.state || stateOf(flag) === filters.state) &&
      (!filters.stage || stages?.[flag.key] === filters.stage) &&
      words.every((word) => says(flag, word)),
  );
}

function says(flag: FlagRow, word: string): boolean {
  return [flag.key, flag.name, flag.owner, ...flag.tags].some((text) => text.toLowerCase().includes(word));
}

/** In how many environments a flag is on, unless it is archived. */
export function stateOf(flag: FlagRow): State {
  if (flag.archived_at) return 'archived';
  const sights = Object.values(flag.environments);
  const on = sights.filter(({ enabled }) => enabled).length;
  if (on === 0) return 'off';
  return on === sights.length ? 'on' : 'partial';
}

/** Each value once, in order. */
export function distinct(values: string[]): string[] {
  return [...new Set(values)].toSorted((a, b) => a.localeCompare(b));
}
