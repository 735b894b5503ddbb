import type { Flag, FlagUpdate, Purpose } from '../../api/schema';
import type { Line } from '../../parts/differences';
import { PURPOSES } from '../flags/filters';
import { dayOf, endOf, LIFETIME_DAYS, type Read, readTags, readVariants, today, type VariantText } from '../new-flag/form';

// What all environments share about a flag, as it is typed.

export interface Details {
  name: string;
  owner: string;
  description: string;
  tags: string;
  purpose: Purpose;
  /** A day; empty for never. */
  expires: string;
  /** None where they are on and off. */
  variants: VariantText[];
}

export type Field = keyof Details;

const NAMES: Record<Field, string> = {
  name: 'Name',
  owner: 'Owner',
  description: 'Description',
  tags: 'Tags',
  purpose: 'Purpose',
  expires: 'Gone by',
  variants: 'Variants',
};
const FIELDS = Object.keys(NAMES) as Field[];

/** A flag's details to edit. */
export function detailsOf(flag: Flag): Details {
  const { name, owner, description, purpose, tags, expires_at: expires, type, variants } = flag;
  const text = (value: unknown) => (type === 'string' ? String(value) : JSON.stringify(value));
  return {
    name,
    owner,
    description,
    tags: tags.join(', '),
    purpose,
    expires: expires ? dayOf(new Date(expires)) : '',
    variants: type === 'boolean' ? [] : Object.entries(variants).map(([key, value], id) => ({ id, key, value: text(value) })),
  };
}

/** A purpose brings its lifetime along, counted from when the flag was made. */
export function withPurpose(flag: Flag, purpose: Purpose): Pick<Details, 'purpose' | 'expires'> {
  if (purpose === flag.purpose) return { purpose, expires: detailsOf(flag).expires };
  const days = LIFETIME_DAYS[purpose];
  const made = new Date(flag.created_at);
  return { purpose, expires: days === undefined ? '' : dayOf(new Date(made.setDate(made.getDate() + days))) };
}

/** Whether the day that was chosen has passed. One that stood already may have: such a flag is stale, and edited all the same. */
export const isGone = ({ expires: stood }: Details, { expires }: Details) => expires !== '' && expires !== stood && expires < today();

/** One field in words, by which it is compared too. */
export function inWords(field: Field, details: Details): string {
  if (field === 'variants') return details.variants.map(({ key, value }) => `${key.trim()}: ${value}`).join(' · ');
  if (field === 'tags') return readTags(details.tags).join(', ');
  if (field === 'purpose') return PURPOSES[details.purpose];
  if (field === 'expires') return details.expires || 'never';
  return details[field].trim();
}

const differs = (field: Field, one: Details, other: Details) => inWords(field, one) !== inWords(field, other);

/** The fields that differ. */
export const changed = (before: Details, after: Details) => FIELDS.filter((field) => differs(field, before, after));

/** What differs, in words. */
export const changedLines = (before: Details, after: Details): Line[] =>
  changed(before, after).map((field) => ({ name: NAMES[field], before: inWords(field, before), after: inWords(field, after) }));

/** Somebody else saved: what was not touched here follows, and what was stays; those that both changed are named. */
export function follow(base: Details, mine: Details, theirs: Details): { details: Details; both: Field[] } {
  const touched = changed(base, mine);
  const details = { ...theirs, ...Object.fromEntries(touched.map((field) => [field, mine[field]])) };
  return { details, both: touched.filter((field) => differs(field, base, theirs) && differs(field, mine, theirs)) };
}

/** What is sent: what was changed and nothing else; or what cannot be read. */
export function updateOf(flag: Flag, details: Details): { update: FlagUpdate } | { error: string } {
  const before = detailsOf(flag);
  const touched = new Set(changed(before, details));
  const read: Read = touched.has('variants') ? readVariants(flag.type, details.variants) : {};
  if ('error' in read) return read;
  const dated = touched.has('expires') ? { expires_at: details.expires ? endOf(details.expires) : null } : {};
  // Of a purpose alone the server would make a new day.
  const kept = touched.has('purpose') && !touched.has('expires') ? { expires_at: flag.expires_at ?? null } : {};
  return {
    update: {
      ...(touched.has('name') && { name: details.name.trim() || flag.key }),
      ...(touched.has('owner') && { owner: details.owner.trim() }),
      ...(touched.has('description') && { description: details.description.trim() }),
      ...(touched.has('tags') && { tags: readTags(details.tags) }),
      ...(touched.has('purpose') && { purpose: details.purpose }),
      ...dated,
      ...kept,
      ...read,
    },
  };
}
