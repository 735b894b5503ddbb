import type { Condition } from '../../api/schema';
import { type Chosen, type Clash, Picker } from '../../parts/clashes';
import { conditionInWords } from '../../parts/conditions';
import { changeLines, type Line } from '../../parts/differences';
import { plainCondition, same } from '../../parts/rules';
import { type Draft, linesOf, readDraft } from './draft';

// Two people changed one segment. Its fields are merged one by one, its conditions by what they are about, its lists key by key.

export interface Merged {
  draft: Draft;
  clashes: Clash[];
}

/** Merges two forms that came from one. */
export function merge(base: Draft, mine: Draft, theirs: Draft, chosen: Chosen): Merged {
  const picker = new Picker(chosen);
  const text = (at: 'name' | 'description', name: string) =>
    picker.pick(at, name, (it: string) => (it ? `“${it}”` : 'empty'), base[at].trim(), mine[at].trim(), theirs[at].trim());
  const draft = {
    key: theirs.key,
    name: text('name', 'Name'),
    description: text('description', 'Description'),
    conditions: conditions(picker, plain(base), plain(mine), plain(theirs)),
    included: keys(base.included, mine.included, theirs.included),
    excluded: keys(base.excluded, mine.excluded, theirs.excluded),
  };
  return { draft, clashes: picker.clashes };
}

const plain = (draft: Draft) => draft.conditions.map(plainCondition);

/** What a condition is about, whatever its values are. */
const about = (condition: Condition) => conditionInWords({ ...condition, values: [] });

function conditions({ pick }: Picker, base: Condition[], mine: Condition[], theirs: Condition[]): Condition[] {
  const lists = [base, mine, theirs];
  const twice = (list: Condition[]) => new Set(list.map(about)).size < list.length;
  if (lists.some(twice)) {
    const words = (list: Condition[]) => list.map(conditionInWords).join(' and ') || 'none';
    return pick('conditions', 'Conditions', words, base, mine, theirs);
  }
  const words = (condition: Condition | undefined) => (condition ? conditionInWords(condition) : 'not there');
  const find = (list: Condition[], name: string) => list.find((it) => about(it) === name);
  return [...new Set([...theirs, ...mine].map(about))].flatMap((name) => {
    const picked = pick(`condition ${name}`, name, words, find(base, name), find(mine, name), find(theirs, name));
    return picked ? [picked] : [];
  });
}

/** Whoever one side put in or took out is in or out; both may have done so. */
function keys(base: string, mine: string, theirs: string): string {
  const [was, own, other] = [linesOf(base), linesOf(mine), linesOf(theirs)];
  if (same(was, own)) return theirs;
  const left = other.filter((key) => own.includes(key) || !was.includes(key));
  const came = own.filter((key) => !was.includes(key) && !left.includes(key));
  return [...left, ...came].join('\n');
}

/** What one form says other than another, in words. */
export function difference(before: Draft, after: Draft): Line[] {
  const [was, is] = [readDraft(before), readDraft(after)];
  return changeLines(Object.entries(was).map(([name, value]) => ({ field: `/${name}`, before: value, after: is[name as keyof typeof is] })));
}
