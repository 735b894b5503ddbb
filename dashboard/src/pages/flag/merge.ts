import type { Condition, Serve, Settings } from '../../api/schema';
import { type Chosen, type Clash, Picker } from '../../parts/clashes';
import { conditionInWords } from '../../parts/conditions';
import { plainCondition, same } from '../../parts/rules';
import { percent, ruleInWords, ruleName, serveInWords, wantedInWords, whoInWords } from '../../parts/words';
import { type Draft, deliveryOf, draftOf, type DeliveryDraft, type PrerequisiteDraft, type RuleDraft, settingsOf } from './draft';

// Two people changed the same settings. Each part of them is compared by itself: a rule by its identity, then its fields.

export interface Merged {
  draft: Draft;
  clashes: Clash[];
}

/**
 * Merges two drafts that came from one. What only one side changed is taken over; where both did, `chosen` says whose
 * stands, and theirs does until something is chosen.
 */
export function merge(base: Draft, mine: Draft, theirs: Settings, chosen: Chosen): Merged {
  const other = draftOf(theirs, base);
  const merger = new Merger(chosen);
  const { pick } = merger;
  const draft = {
    enabled: pick('enabled', 'On', (it) => (it ? 'on' : 'off'), base.enabled, mine.enabled, other.enabled),
    prerequisites: merger.prerequisites(base.prerequisites, mine.prerequisites, other.prerequisites),
    rules: merger.rules(base.rules, mine.rules, other.rules),
    default: merger.delivery('default', '', base.default, mine.default, other.default),
    off_variant: pick('off', 'Off variant', String, base.off_variant, mine.off_variant, other.off_variant),
  };
  return { draft, clashes: merger.clashes };
}

/** Whether two drafts say the same. */
export const alike = (one: Draft, other: Draft) => same(settingsOf(one), settingsOf(other));

class Merger extends Picker {
  delivery(at: string, of: string, base: DeliveryDraft, mine: DeliveryDraft, theirs: DeliveryDraft): DeliveryDraft {
    const name = (part: string) => (of ? `${of}: ${part}` : part.charAt(0).toUpperCase() + part.slice(1));
    const unit = (it: string) => it || 'targetingKey';
    const serve = (weights: DeliveryDraft['weights']) => serveInWords(deliveryOf({ ...mine, weights }).serve as Serve);
    return {
      rollout: this.pick(`${at} rollout`, name('rollout'), percent, base.rollout, mine.rollout, theirs.rollout),
      bucketBy: this.pick(`${at} unit`, name('bucket by'), unit, base.bucketBy, mine.bucketBy, theirs.bucketBy),
      weights: this.pick(`${at} serve`, name('serves'), serve, base.weights, mine.weights, theirs.weights),
      // Only the one that stands now may be sent back.
      allocation: theirs.allocation,
    };
  }

  prerequisites(base: PrerequisiteDraft[], mine: PrerequisiteDraft[], theirs: PrerequisiteDraft[]): PrerequisiteDraft[] {
    const find = (list: PrerequisiteDraft[], flag: string) => list.find((it) => it.flag === flag);
    const flags = [...new Set([...theirs, ...mine].map(({ flag }) => flag))];
    const words = (variants: string[] | undefined) => (variants ? wantedInWords({ variants }) : 'none');
    return flags.flatMap((flag) => {
      const [was, own, other] = [find(base, flag), find(mine, flag), find(theirs, flag)];
      const name = `Prerequisite ${flag}`;
      const variants = this.pick(name, name, words, was?.variants, own?.variants, other?.variants);
      return variants ? [{ id: (own ?? other)?.id ?? 0, flag, variants }] : [];
    });
  }

  rules(base: RuleDraft[], mine: RuleDraft[], theirs: RuleDraft[]): RuleDraft[] {
    const added = mine.filter((own) => !byId(base, own.id) && !theirs.some((it) => same(plain(it), plain(own))));
    const known = theirs.flatMap((other) => {
      const was = byId(base, other.id);
      return was ? this.one(was, byId(mine, was.id), other, base.indexOf(was)) : [other];
    });
    const gone = base.flatMap((was, at) => (byId(theirs, was.id) ? [] : this.one(was, byId(mine, was.id), undefined, at)));
    const ids = this.order(base, mine, theirs);
    const list = withBeside(known, gone, base);
    return withBeside(sorted(list, ids), added, mine);
  }

  /** A rule that both began with: either side may have taken it out. */
  one(was: RuleDraft, mine: RuleDraft | undefined, theirs: RuleDraft | undefined, at: number): RuleDraft[] {
    const name = ruleName(was, at);
    if (!mine || !theirs) {
      const kept = this.pick(`rule ${was.id}`, name, inOneSentence, known(was), known(mine), known(theirs));
      const left = mine ?? theirs;
      return kept && left ? [{ ...left, ...(theirs ? {} : { allocation: undefined }) }] : [];
    }
    const rule = `rule ${was.id}`;
    const conditions = (list: Condition[]) => list.map(conditionInWords).join(' and ') || 'none';
    const segments = (list: string[]) => list.join(', ') || 'none';
    const text = (it: string) => it || 'none';
    return [
      {
        id: was.id,
        name: this.pick(`${rule} name`, `${name}: name`, text, was.name, mine.name, theirs.name),
        segments: this.pick(`${rule} segments`, `${name}: segments`, segments, was.segments, mine.segments, theirs.segments),
        conditions: this.pick(
          `${rule} conditions`,
          `${name}: conditions`,
          conditions,
          ...([was, mine, theirs].map((it) => it.conditions.map(plainCondition)) as [Condition[], Condition[], Condition[]]),
        ),
        ...this.delivery(rule, name, was, mine, theirs),
      },
    ];
  }

  /** The order of what both began with. */
  order(base: RuleDraft[], mine: RuleDraft[], theirs: RuleDraft[]): number[] {
    const common = (list: RuleDraft[]) => list.filter(({ id }) => [base, mine, theirs].every((it) => byId(it, id))).map(({ id }) => id);
    const words = (ids: number[]) => ids.map((id) => called(byId(base, id))).join(', then ');
    return this.pick('order', 'Order of the rules', words, common(base), common(mine), common(theirs));
  }
}

const byId = (list: RuleDraft[], id: number) => list.find((it) => it.id === id);
const plain = (rule: RuleDraft) => ({ ...rule, id: 0, allocation: undefined });
const known = (rule: RuleDraft | undefined) => rule && { ...plain(rule), conditions: rule.conditions.map(plainCondition) };
const called = (rule: RuleDraft | undefined) => rule?.name || whoInWords(rule ?? {});

function inOneSentence(rule: ReturnType<typeof known>): string {
  return rule ? ruleInWords({ ...rule, ...deliveryOf({ ...rule, allocation: undefined }) }) : 'taken out';
}

/** A list in which those that are named stand in that order, each in a place that one of them had. */
function sorted(list: RuleDraft[], ids: number[]): RuleDraft[] {
  const queue = ids.flatMap((id) => byId(list, id) ?? []);
  return list.map((rule) => (ids.includes(rule.id) ? (queue.shift() ?? rule) : rule));
}

/** A list with others put in, each after the one that it stands after in its own list. */
function withBeside(list: RuleDraft[], others: RuleDraft[], own: RuleDraft[]): RuleDraft[] {
  let next = list;
  for (const rule of others) {
    const before = own.slice(0, own.findIndex(({ id }) => id === rule.id)).toReversed();
    const after = before.find(({ id }) => byId(next, id));
    const place = after ? next.findIndex(({ id }) => id === after.id) + 1 : 0;
    next = next.toSpliced(place, 0, rule);
  }
  return next;
}
