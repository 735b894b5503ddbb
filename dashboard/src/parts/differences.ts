import type { Condition, FieldChange, Prerequisite, Rule, Serve, Settings } from '../api/schema';
import { conditionInWords } from './conditions';
import { origins, plainRule, same } from './rules';
import { inWords, percent, ruleInWords, ruleName, serveInWords, wantedInWords, whoInWords } from './words';

/** One thing that differs, in words. */
export interface Line {
  /** What it is. */
  name: string;
  /** What it was; nothing when it was not there. */
  before: string;
  /** What it is now; nothing when it is not there any more. */
  after: string;
  /** Of a list: what it has no more, and what it has now; the rest is the same. */
  went?: string[];
  came?: string[];
}

const line = (name: string, before: string, after: string): Line[] => (before === after ? [] : [{ name, before, after }]);

/** What differs between two lists of words. */
function listLine(name: string, before: string[], after: string[]): Line[] {
  const went = before.filter((it) => !after.includes(it));
  const came = after.filter((it) => !before.includes(it));
  if (went.length === 0 && came.length === 0) return line(name, before.join(', '), after.join(', '));
  return [{ name, before: before.join(', '), after: after.join(', '), went, came }];
}

/** What differs between two settings, in the order in which they are evaluated. */
export function differences(before: Settings, after: Settings): Line[] {
  return [
    ...stateLines(standing(before), standing(after)),
    ...prerequisiteLines(before.prerequisites ?? [], after.prerequisites ?? []),
    ...ruleLines(before.rules ?? [], after.rules ?? []),
    ...line('Serves', serveInWords(before.default.serve), serveInWords(after.default.serve)),
    ...line('Bucket by', before.default.bucket_by || 'targetingKey', after.default.bucket_by || 'targetingKey'),
    ...line('Off variant', before.off_variant, after.off_variant),
  ];
}

/** Whether a flag is on, and for how many it is or would be. */
export interface Standing {
  enabled: boolean;
  rollout: unknown;
}

const standing = ({ enabled, default: { rollout } }: Settings): Standing => ({ enabled, rollout });

/** On, off and the share are one thing to people: `Off → 10 %`. A share that sleeps is never told as one that is served. */
function stateLines(before: Standing, after: Standing): Line[] {
  const asleep = !before.enabled && !after.enabled;
  const off = (rollout: unknown) => (asleep ? `Off (${percent(rollout)} when on)` : 'Off');
  const share = ({ enabled, rollout }: Standing) => (enabled ? percent(rollout) : off(rollout));
  return line('Rollout', share(before), share(after));
}

function prerequisiteLines(before: Prerequisite[], after: Prerequisite[]): Line[] {
  const flags = [...new Set([...before, ...after].map(({ flag }) => flag))];
  const wanted = (list: Prerequisite[], name: string) =>
    list.filter(({ flag }) => flag === name).map(wantedInWords).join(', and ');
  return flags.flatMap((flag) => line(`Prerequisite ${flag}`, wanted(before, flag), wanted(after, flag)));
}

/** Rules: those that changed part by part, those that went or came as a whole, and then their order. */
export function ruleLines(before: Rule[], after: Rule[]): Line[] {
  const from = origins(before, after);
  const went = before.flatMap((rule, at) => (from.includes(at) ? [] : line(ruleName(rule, at), ruleInWords(rule), '')));
  const rest = after.flatMap((rule, at) => {
    const origin = before[from[at] ?? -1];
    return origin ? partLines(ruleName(rule, at), origin, rule) : line(ruleName(rule, at), '', ruleInWords(rule));
  });
  return [...went, ...rest, ...orderLines(before, from)];
}

function partLines(name: string, one: Rule, other: Rule): Line[] {
  const [before, after] = [plainRule(one), plainRule(other)];
  return [
    ...line(`${name}: name`, before.name, after.name),
    ...listLine(`${name}: segments`, before.segments, after.segments),
    ...conditionLines(name, before.conditions, after.conditions),
    ...line(`${name}: rollout`, percent(before.rollout), percent(after.rollout)),
    ...line(`${name}: bucket by`, before.bucket_by || 'targetingKey', after.bucket_by || 'targetingKey'),
    ...line(`${name}: serves`, serveInWords(before.serve), serveInWords(after.serve)),
  ];
}

function orderLines(before: Rule[], from: (number | undefined)[]): Line[] {
  const kept = from.filter((place): place is number => place !== undefined);
  const stood = kept.toSorted((a, b) => a - b);
  if (same(kept, stood)) return [];
  const called = (place: number) => before[place]?.name || whoInWords(before[place] ?? {});
  return line('Order of the rules', stood.map(called).join(', then '), kept.map(called).join(', then '));
}

/** Conditions on the same thing are told by their values, the others as a whole. */
export function conditionLines(name: string, before: Condition[], after: Condition[]): Line[] {
  const went = before.filter((one) => !after.some((other) => same(one, other)));
  const came = after.filter((one) => !before.some((other) => same(one, other)));
  const head = (condition: Condition) => conditionInWords({ ...condition, values: [] });
  const lines: Line[] = [];
  for (const one of went.slice()) {
    const others = came.filter((it) => head(it) === head(one));
    const [other] = others;
    if (!other || others.length > 1 || went.filter((it) => head(it) === head(one)).length > 1) continue;
    const about = conditionInWords({ ...one, values: [] });
    lines.push(...listLine(`${name}: ${about}`, (one.values ?? []).map(inWords), (other.values ?? []).map(inWords)));
    went.splice(went.indexOf(one), 1);
    came.splice(came.indexOf(other), 1);
  }
  return [...lines, ...listLine(`${name}: conditions`, went.map(conditionInWords), came.map(conditionInWords))];
}

const isSettings = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && 'off_variant' in value && 'default' in value;

/** Whether a change names a place in a list, and so says less than the settings around it. */
const SOMEWHERE = /^\/(rules\/\d|rules$|prerequisites|default\/serve)/;

/** Whether these changes are told better between the settings before and after them. */
export const needSettings = (changes: FieldChange[]) => changes.some(({ field }) => SOMEWHERE.test(field));

/** Whether changes say of the state and its share but one: `Off`, and not how many lost it. */
export const needShare = (changes: FieldChange[]) =>
  changes.filter(({ field }) => field === '/enabled' || field === '/default/rollout').length === 1;

/** The settings before changes, when these are what they left; nothing when they do not fit. */
export function undone(after: Settings, changes: FieldChange[]): Settings | undefined {
  const document = structuredClone({ ...after }) as unknown as Record<string, unknown>;
  for (const { field, before, after: left } of changes) {
    const names = field.split('/').slice(1).map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = names.pop();
    if (last === undefined) return undefined;
    let place: unknown = document;
    for (const name of names) place = (place as Record<string, unknown> | null | undefined)?.[name];
    if (typeof place !== 'object' || place === null) return undefined;
    const holder = place as Record<string, unknown>;
    if (!same(holder[last], left)) return undefined;
    if (before === null || before === undefined) delete holder[last];
    else holder[last] = before;
  }
  return document as unknown as Settings;
}

/**
 * Changes that left these settings, told between the settings before and after where that says more. Without them, it
 * helps to know how the flag stands.
 */
export function linesBefore(after: Settings | undefined, changes: FieldChange[], stands?: Standing): Line[] {
  const before = after && undone(after, changes);
  return before ? differences(before, after) : changeLines(changes, stands);
}

/** Who wrote something and when, and how often it was written: every entry and every list tells that by itself. */
const BOOKKEEPING = /^\/(version|(created|changed|archived)_(at|by))$/;

/** Changes as an audit keeps them, in words, as far as they tell by themselves and by how they left the flag. */
export function changeLines(changes: FieldChange[], stands?: Standing): Line[] {
  const told = changes.filter(({ field }) => !field.includes('/allocation') && !BOOKKEEPING.test(field));
  const at = (pointer: string) => told.find(({ field }) => field === pointer);
  const [enabled, rollout] = [at('/enabled'), at('/default/rollout')];
  const state = enabled ?? rollout;
  return told.flatMap((change) => {
    if (change === state && stands) return stateLines(stood('before', stands), stood('after', stands));
    if (change === rollout && enabled) return [];
    if (change === enabled) return line('Rollout', shareBeside(enabled.before, rollout?.before), shareBeside(enabled.after, rollout?.after));
    return changeLine(change);
  });

  function stood(side: 'before' | 'after', now: Standing): Standing {
    return { enabled: Boolean(enabled ? enabled[side] : now.enabled), rollout: rollout ? rollout[side] : now.rollout };
  }

  function shareBeside(on: unknown, share: unknown): string {
    if (!on) return 'Off';
    return rollout ? percent(share) : 'On';
  }
}

const FIELDS: Record<string, string> = {
  '/default/rollout': 'Rollout',
  '/default/bucket_by': 'Bucket by',
  '/default/serve': 'Serves',
  '/off_variant': 'Off variant',
  '/expires_at': 'Gone by',
  '/included': 'Always in',
  '/excluded': 'Never in',
};

function changeLine({ field, before, after }: FieldChange): Line[] {
  if (field === '') return wholeLines(before, after);
  if (field === '/rules') return ruleLines((before ?? []) as Rule[], (after ?? []) as Rule[]);
  if (field === '/prerequisites') return prerequisiteLines((before ?? []) as Prerequisite[], (after ?? []) as Prerequisite[]);
  if (field === '/conditions') return conditionLines('Who', (before ?? []) as Condition[], (after ?? []) as Condition[]);
  if (['/tags', '/included', '/excluded'].includes(field)) {
    return listLine(fieldName(field), ((before ?? []) as string[]).map(inWords), ((after ?? []) as string[]).map(inWords));
  }
  return line(fieldName(field), valueInWords(field, before), valueInWords(field, after));
}

/** What came or went as a whole, field by field; what it does not say is left out. */
function wholeLines(before: unknown, after: unknown): Line[] {
  const whole = before ?? after;
  const both = before !== null && before !== undefined && after !== null && after !== undefined;
  if (both || typeof whole !== 'object' || whole === null) return line('All of it', inWords(before), inWords(after));
  if (isSettings(whole) && whole === after) return changeLines([{ field: '/enabled', before: null, after: whole.enabled }]);
  return Object.entries(whole)
    .filter(([name, value]) => inWords(value) !== '' && !BOOKKEEPING.test(`/${name}`))
    .flatMap(([name, value]) => changeLine({ field: `/${name}`, before: whole === before ? value : null, after: whole === before ? null : value }));
}

/** `/rules/0/conditions/1/values/2` → `Rule 1: condition 2: value 3`. */
function fieldName(field: string): string {
  const known = FIELDS[field];
  if (known) return known;
  const words = field
    .replace(/^\/default\/serve\/split/, '/split')
    .replaceAll(/\/(rule|condition|value|segment|prerequisite|variant|tag)s\/(\d+)/g, (_, noun: string, at: string) => `/${noun} ${Number(at) + 1}`)
    .replaceAll(/\/(?:serve\/)?split\/(\d+)/g, (_, at: string) => `/part ${Number(at) + 1} of the split`)
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~').replaceAll('_', ' '));
  const text = words.join(': ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function valueInWords(field: string, value: unknown): string {
  if (/\/(rollout|weight)$/.test(field)) return value === null && field.endsWith('weight') ? '' : percent(value);
  if (value === null || value === undefined) return '';
  if (field.endsWith('/serve')) return serveInWords(value as Serve);
  if (/^\/rules\/\d+\/conditions$/.test(field)) return (value as Condition[]).map(conditionInWords).join(' and ');
  if (/\/conditions\/\d+$/.test(field)) return conditionInWords(value as Condition);
  return inWords(value);
}
