import type { Condition, Segment, SegmentUpdate } from '../../api/schema';
import { plainCondition, same } from '../../parts/rules';

/** The form as it is typed. */
export interface Draft {
  key: string;
  name: string;
  description: string;
  conditions: Condition[];
  included: string;
  excluded: string;
}

export function draftOf(segment: Segment | undefined): Draft {
  return {
    key: segment?.key ?? '',
    name: segment?.name ?? '',
    description: segment?.description ?? '',
    conditions: segment?.conditions ?? [],
    included: (segment?.included ?? []).join('\n'),
    excluded: (segment?.excluded ?? []).join('\n'),
  };
}

export function readDraft(draft: Draft) {
  return {
    name: draft.name.trim() || null,
    description: draft.description.trim(),
    conditions: draft.conditions.map(plainCondition),
    included: linesOf(draft.included),
    excluded: linesOf(draft.excluded),
  } satisfies SegmentUpdate;
}

/** Whether two forms say the same, however they are typed. */
export const alike = (one: Draft, other: Draft) => one.key === other.key && same(readDraft(one), readDraft(other));

/** The lines of a field that has one thing on each. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Where the server's JSON pointers lead in this form. */
const PLACES = {
  key: '/key',
  name: '/name',
  description: '/description',
  conditions: '/conditions',
  included: '/included',
  excluded: '/excluded',
};

export type Field = keyof typeof PLACES | `condition ${number}`;

/** The same with a place for each condition, so that a fault in one is told at it. */
export function placesOf(draft: Draft): Record<Field, string> {
  return { ...PLACES, ...Object.fromEntries(draft.conditions.map((_, place) => [`condition ${place}`, `/conditions/${place}`])) };
}
