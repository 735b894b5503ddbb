import type { FieldChange, Settings } from '../../api/schema';

const FIELDS = ['enabled', 'prerequisites', 'rules', 'default', 'off_variant'] as const;

/** What differs between two settings: parts of the default one by one, everything else as a whole. */
export function differences(before: Settings, after: Settings): FieldChange[] {
  return FIELDS.flatMap((field) => {
    const [was, is] = [before[field] ?? [], after[field] ?? []];
    if (same(was, is)) return [];
    if (field !== 'default') return [{ field: `/${field}`, before: was, after: is }];
    const [from, to] = [before.default as Record<string, unknown>, after.default as Record<string, unknown>];
    const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    const differing = names.filter((name) => !same(from[name], to[name]));
    return differing.map((name) => ({ field: `/default/${name}`, before: from[name], after: to[name] }));
  });
}

/** Their settings with our changes on top, and the fields that both of us changed. */
export function mergedWith(
  theirs: Settings,
  own: FieldChange[],
  other: FieldChange[],
): { merged: Settings; clashes: string[] } {
  const { enabled, prerequisites, rules, default: served, off_variant } = theirs;
  const merged: Record<string, unknown> = { enabled, prerequisites, rules, default: { ...served }, off_variant };
  for (const { field, after } of own) {
    const [, name = '', part] = field.split('/');
    const target = part === undefined ? merged : (merged[name] as Record<string, unknown>);
    target[part ?? name] = after;
  }
  const touched = new Set(other.map(({ field }) => field));
  const clashes = own.filter(({ field }) => touched.has(field)).map(({ field }) => field.slice(1).replaceAll('/', ' › '));
  return { merged: merged as unknown as Settings, clashes };
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
