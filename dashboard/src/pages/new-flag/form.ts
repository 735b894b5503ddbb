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

/** What the server takes for a key. */
const KEY = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;

/** What the page sees by itself, all of it at once. */
export function missing({ key, owner, expires }: Draft): Partial<Record<keyof Draft, string>> {
  const named = key.trim();
  return {
    ...(named === '' && { key: 'Give it a key.' }),
    ...(named !== '' && !KEY.test(named) && { key: 'A key starts with a letter or digit and has at most 128 of A-Z a-z 0-9 . _ ~ -' }),
    ...(owner.trim() === '' && { owner: 'Name who answers for it.' }),
    ...(expires !== '' && expires < today() && { expires: 'This day has passed.' }),
  };
}

/** The purposes' lifetimes, in words. */
export const LIFETIMES: Record<Purpose, string> = {
  release: 'Code that is deployed dark; gone after 40 days',
  experiment: 'Compares variants; gone after 40 days',
  operational: 'Eases an operation such as a migration; gone after 7 days',
  kill_switch: 'Takes something out in an emergency; stays',
  permission: 'Says who may use something; stays',
};

/** After how many days the server has a flag of a purpose be gone. */
export const LIFETIME_DAYS: Partial<Record<Purpose, number>> = { release: 40, experiment: 40, operational: 7 };

/** Variants as they are sent, if there are any, or why they cannot be. */
export type Read = { variants?: Record<string, unknown> } | { error: string };

/** What is sent, or what cannot be: a value that is none of the flag's type. */
export function newFlag(draft: Draft): { flag: NewFlag } | { error: string } {
  const read: Read = draft.type === 'boolean' ? {} : readVariants(draft.type, draft.variants);
  if ('error' in read) return read;
  const flag: NewFlag = {
    key: draft.key.trim(),
    type: draft.type,
    purpose: draft.purpose,
    owner: draft.owner.trim(),
    description: draft.description.trim(),
    tags: readTags(draft.tags),
    ...(draft.name.trim() && { name: draft.name.trim() }),
    ...read,
    ...(draft.expires && { expires_at: endOf(draft.expires) }),
  };
  return { flag };
}

/** Tags as they are typed: parted by commas or spaces. */
export const readTags = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** The end of a day where the person is. */
export const endOf = (day: string) => new Date(`${day}T23:59:59`).toISOString();

/** The variants out of their texts, or which of them cannot be read. */
export function readVariants(type: FlagType, texts: VariantText[]): Read {
  const variants: Record<string, unknown> = {};
  for (const { key, value } of texts) {
    if (key.trim() in variants) return { error: `Two variants are called ${key}.` };
    const read = readValue(type, value);
    if (read === undefined) return { error: `${key || 'A variant'} has no ${type}: ${value || 'it is empty'}.` };
    variants[key.trim()] = read;
  }
  return { variants };
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

/** The day of an instant where the person is, as a field for days writes it. */
export function dayOf(instant: Date): string {
  return new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

export const today = () => dayOf(new Date());
