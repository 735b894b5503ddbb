import type { Condition, Prerequisite, Range, Rule, Serve, Settings } from '../../api/schema';
import { origins, plainCondition } from '../../parts/rules';

// What is edited: the settings with an identity for each thing in a list.

export interface DeliveryDraft {
  rollout: number;
  bucketBy: string;
  /** The share of each variant; a single one of 100 is no split. */
  weights: { variant: string; weight: number }[];
  /** Which buckets are whose now. It goes back with the split, so that they stay whose they are wherever the rule moves. */
  allocation: Range[] | undefined;
}

export interface RuleDraft extends DeliveryDraft {
  id: number;
  name: string;
  segments: string[];
  conditions: Condition[];
}

export interface PrerequisiteDraft extends Prerequisite {
  id: number;
}

export interface Draft {
  enabled: boolean;
  prerequisites: PrerequisiteDraft[];
  rules: RuleDraft[];
  default: DeliveryDraft;
  off_variant: string;
}

let last = 0;
export const nextId = () => ++last;

/** Settings to edit. What is in another draft already keeps its identity, and so its fields on the page. */
export function draftOf(settings: Settings, known?: Draft): Draft {
  const rules = settings.rules ?? [];
  const from = origins(known ? settingsOf(known).rules ?? [] : [], rules);
  return {
    enabled: settings.enabled,
    prerequisites: (settings.prerequisites ?? []).map((it) => ({
      id: known?.prerequisites.find(({ flag }) => flag === it.flag)?.id ?? nextId(),
      ...it,
    })),
    rules: rules.map((rule, at) => ({ ...ruleDraft(rule), id: known?.rules[from[at] ?? -1]?.id ?? nextId() })),
    default: deliveryDraft(settings.default),
    off_variant: settings.off_variant,
  };
}

function ruleDraft(rule: Rule): Omit<RuleDraft, 'id'> {
  return {
    ...deliveryDraft(rule),
    name: rule.name ?? '',
    segments: rule.segments ?? [],
    conditions: rule.conditions ?? [],
  };
}

function deliveryDraft({ rollout, bucket_by, serve }: Pick<Rule, 'rollout' | 'bucket_by' | 'serve'>): DeliveryDraft {
  const allocation = typeof serve === 'string' ? undefined : serve.allocation;
  return { rollout: rollout ?? 100, bucketBy: bucket_by ?? '', weights: weightsOf(serve), allocation };
}

export function weightsOf(serve: Serve): DeliveryDraft['weights'] {
  return typeof serve === 'string' ? [{ variant: serve, weight: 100 }] : serve.split.map((it) => ({ ...it }));
}

export function emptyRule(variants: string[]): RuleDraft {
  return {
    id: nextId(),
    name: '',
    segments: [],
    conditions: [{ attribute: '', operator: 'in', values: [] }],
    rollout: 100,
    bucketBy: '',
    weights: [{ variant: variants[0] ?? 'on', weight: 100 }],
    allocation: undefined,
  };
}

/** A draft as the server takes it: what is not so is not said, so that two drafts that say the same are the same. */
export function settingsOf(draft: Draft): Settings {
  return {
    enabled: draft.enabled,
    prerequisites: draft.prerequisites.map(({ flag, variants }) => ({ flag, variants })),
    rules: draft.rules.map((rule) => ({
      ...(rule.name.trim() && { name: rule.name.trim() }),
      ...(rule.segments.length > 0 && { segments: rule.segments }),
      ...(rule.conditions.length > 0 && { conditions: rule.conditions.map(plainCondition) }),
      ...deliveryOf(rule),
    })),
    default: deliveryOf(draft.default),
    off_variant: draft.off_variant,
  };
}

export function deliveryOf({ rollout, bucketBy, weights, allocation }: DeliveryDraft): Pick<Rule, 'rollout' | 'bucket_by' | 'serve'> {
  const [only, ...others] = weights;
  const split: Serve = { split: weights, ...(allocation && allocation.length > 0 && { allocation }) };
  return {
    ...(rollout !== 100 && { rollout }),
    ...(bucketBy.trim() && { bucket_by: bucketBy.trim() }),
    serve: only && others.length === 0 ? only.variant : split,
  };
}

/** What shares come to together; not a number while one of them is none. */
export function totalOf(weights: DeliveryDraft['weights']): number {
  return Math.round(weights.reduce((sum, { weight }) => sum + weight, 0) * 1_000) / 1_000;
}

/** The share of split buckets that change hands: as few as there can be. */
export function movedShare(before: DeliveryDraft['weights'], after: DeliveryDraft['weights']): number {
  const weight = (list: DeliveryDraft['weights'], variant: string) =>
    list.find((it) => it.variant === variant)?.weight ?? 0;
  const gained = after.map(({ variant, weight: now }) => Math.max(0, now - weight(before, variant)));
  return Math.round(gained.reduce((sum, it) => sum + it, 0) * 1_000) / 1_000;
}
