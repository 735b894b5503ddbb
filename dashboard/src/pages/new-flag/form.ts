import type { FlagType, NewFlag, Purpose } from '../../api/schema';

export interface VariantText {
  /** Names the row as long as the form stands. */
  id: number;
  key: string;
  value: string;
}

/** The form as it is typed. */
export interface Draft {
  key: string;
  type: FlagType;
  purpose: Purpose;
  owner: string;
  name: string;
  description: string;
  tags: string;
  expires: string;
  variants: VariantText[];
}

const OWNER = 'hoist-owner';

/** An empty form; the owner is whom this browser named last. */
export function emptyDraft(): Draft {
  return {
    key: '',
    type: 'boolean',
    purpose: 'release',
    owner: localStorage.getItem(OWNER) ?? '',
    name: '',
    description: '',
    tags: '',
    expires: '',
    variants: [
      { id: 0, key: 'new', value: '' },
      { id: 1, key: 'old', value: '' },
    ],
  };
}

/** Remembers who was named, for the next flag. */
export function rememberOwner(owner: string) {
  localStorage.setItem(OWNER, owner);
}

/** Where the server's JSON pointers lead in this form. */
export const PLACES: Record<keyof Draft, string> = {
  key: '/key',
  type: '/type',
  purpose: '/purpose',
  owner: '/owner',
  name: '/name',
  description: '/description',
  tags: '/tags',
  expires: '/expires_at',
  variants: '/variants',
};

/** The purposes' lifetimes, in words. */
export const LIFETIMES: Record<Purpose, string> = {
  release: 'Code that is deployed dark; gone after 40 days',
  experiment: 'Compares variants; gone after 40 days',
  operational: 'Eases an operation such as a migration; gone after 7 days',
  kill_switch: 'Takes something out in an emergency; stays',
  permission: 'Says who may use something; stays',
};

/** What is sent, or what cannot be: a value that is none of the flag's type. */
export function newFlag(draft: Draft): { flag: NewFlag } | { error: string } {
  const variants: Record<string, unknown> = {};
  if (draft.type !== 'boolean') {
    for (const { key, value } of draft.variants) {
      if (key in variants) return { error: `Two variants are called ${key}.` };
      const read = readValue(draft.type, value);
      if (read === undefined) return { error: `${key || 'A variant'} has no ${draft.type}: ${value || 'it is empty'}.` };
      variants[key.trim()] = read;
    }
  }
  const flag: NewFlag = {
    key: draft.key.trim(),
    type: draft.type,
    purpose: draft.purpose,
    owner: draft.owner.trim(),
    description: draft.description.trim(),
    tags: draft.tags.split(/[\s,]+/).filter(Boolean),
    ...(draft.name.trim() && { name: draft.name.trim() }),
    ...(draft.type !== 'boolean' && { variants }),
    // The end of that day where the person is.
    ...(draft.expires && { expires_at: new Date(`${draft.expires}T23:59:59`).toISOString() }),
  };
  return { flag };
}

/** A variant's value out of its text; undefined when it is none of the type. */
function readValue(type: FlagType, text: string): unknown {
  if (type === 'string') return text;
  try {
    const value: unknown = JSON.parse(text);
    if (type === 'number') return typeof value === 'number' ? value : undefined;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The day where the person is, as a field for days writes it. */
export function today(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}
