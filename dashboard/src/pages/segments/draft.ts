import type { Condition, Segment, SegmentUpdate } from '../../api/schema';

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

export function readDraft(draft: Draft): SegmentUpdate & { description: string } {
  return {
    name: draft.name.trim() || null,
    description: draft.description.trim(),
    conditions: draft.conditions,
    included: lines(draft.included),
    excluded: lines(draft.excluded),
  };
}

function lines(text: string): string[] {
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

type Field = keyof typeof PLACES | `condition ${number}`;

/** The same with a place for each condition, so that a fault in one is told at it. */
export function placesOf(draft: Draft): Record<Field, string> {
  return { ...PLACES, ...Object.fromEntries(draft.conditions.map((_, place) => [`condition ${place}`, `/conditions/${place}`])) };
}
