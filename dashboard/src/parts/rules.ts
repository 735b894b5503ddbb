import type { Condition, Rule } from '../api/schema';

// Which rule of one list is which of another: the server keeps no identity, so it is told by what they say.

/** Whether two things say the same; what is not said is not there. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const said = Object.entries(value).filter(([name, it]) => it !== undefined && it !== null && name !== 'allocation');
  return Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, it]) => [name, ordered(it)]));
}

/** A condition as the server writes it: what is not so is not said. */
export function plainCondition({ attribute, operator, values, negate, ignore_case: ignoreCase }: Condition): Condition {
  return {
    attribute,
    operator,
    ...(values && values.length > 0 && { values }),
    ...(negate && { negate }),
    ...(ignoreCase && { ignore_case: ignoreCase }),
  };
}

/** A rule in which everything is said, so that two can be compared. */
export function plainRule(rule: Rule) {
  return {
    name: rule.name ?? '',
    segments: rule.segments ?? [],
    conditions: (rule.conditions ?? []).map(plainCondition),
    rollout: rule.rollout ?? 100,
    bucket_by: rule.bucket_by ?? '',
    serve: rule.serve,
  };
}

/**
 * For each rule after, the place of the one before that it comes from: one that says the same, else one of its name, else
 * one for the same people that has no name or was given another in its place, else the unnamed one in its place.
 */
export function origins(before: readonly Rule[], after: readonly Rule[]): (number | undefined)[] {
  const [from, to] = [before.map(plainRule), after.map(plainRule)];
  const found: (number | undefined)[] = to.map(() => undefined);
  const taken = new Set<number>();
  const look = (fits: (one: number, other: number) => boolean) =>
    to.forEach((_, at) => {
      if (found[at] !== undefined) return;
      const places = from.map((__, place) => place).filter((place) => !taken.has(place) && fits(place, at));
      const place = places.includes(at) ? at : places[0];
      if (place === undefined) return;
      found[at] = place;
      taken.add(place);
    });
  const who = ({ segments, conditions }: (typeof from)[number]) => ({ segments, conditions });
  look((one, other) => same(from[one], to[other]));
  look((one, other) => from[one]?.name !== '' && from[one]?.name === to[other]?.name);
  look((one, other) => {
    const [a, b] = [from[one], to[other]];
    return a !== undefined && b !== undefined && (a.name === '' || b.name === '' || one === other) && same(who(a), who(b));
  });
  // What is left in the same place is the same rule with something else in it, unless it came to be or went.
  look((one, other) => one === other && from.length === to.length && from[one]?.name === '' && to[other]?.name === '');
  return found;
}
