import type { Condition, Prerequisite, Rule, Serve, Settings } from '../../api/schema';

// What is edited: the settings with an identity for each thing in a list.

export interface DeliveryDraft {
  rollout: number;
  bucketBy: string;
  /** The share of each variant; a single one of 100 is no split. */
  weights: { variant: string; weight: number }[];
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

export function draftOf(settings: Settings): Draft {
  return {
    enabled: settings.enabled,
    prerequisites: (settings.prerequisites ?? []).map((it) => ({ id: nextId(), ...it })),
    rules: (settings.rules ?? []).map(ruleDraft),
    default: deliveryDraft(settings.default),
    off_variant: settings.off_variant,
  };
}

function ruleDraft(rule: Rule): RuleDraft {
  return {
    ...deliveryDraft(rule),
    id: nextId(),
    name: rule.name ?? '',
    segments: rule.segments ?? [],
    conditions: rule.conditions ?? [],
  };
}

function deliveryDraft({ rollout, bucket_by, serve }: Pick<Rule, 'rollout' | 'bucket_by' | 'serve'>): DeliveryDraft {
  return { rollout: rollout ?? 100, bucketBy: bucket_by ?? '', weights: weightsOf(serve) };
}

export function weightsOf(serve: Serve): DeliveryDraft['weights'] {
  return typeof serve === 'string' ? [{ variant: serve, weight: 100 }] : serve.split.map((it) => ({ ...it }));
}

export function emptyRule(variants: string[]): RuleDraft {
  const weights = [{ variant: variants[0] ?? 'on', weight: 100 }];
  return { id: nextId(), name: '', segments: [], conditions: [{ attribute: '', operator: 'in', values: [] }], rollout: 100, bucketBy: '', weights };
}

export function settingsOf(draft: Draft): Settings {
  return {
    enabled: draft.enabled,
    prerequisites: draft.prerequisites.map(({ flag, variants }) => ({ flag, variants })),
    rules: draft.rules.map((rule) => ({
      ...(rule.name && { name: rule.name }),
      segments: rule.segments,
      conditions: rule.conditions,
      ...deliveryOf(rule),
    })),
    default: deliveryOf(draft.default),
    off_variant: draft.off_variant,
  };
}

function deliveryOf({ rollout, bucketBy, weights }: DeliveryDraft): Pick<Rule, 'rollout' | 'bucket_by' | 'serve'> {
  const [only, ...others] = weights;
  const serve: Serve = only && others.length === 0 ? only.variant : { split: weights };
  return { rollout, ...(bucketBy.trim() && { bucket_by: bucketBy.trim() }), serve };
}

/** The share of split buckets that change hands: as few as there can be. */
export function movedShare(before: Serve | undefined, after: DeliveryDraft['weights']): number {
  if (before === undefined) return 0;
  const had = weightsOf(before);
  const weight = (list: DeliveryDraft['weights'], variant: string) =>
    list.find((it) => it.variant === variant)?.weight ?? 0;
  const gained = after.map(({ variant, weight: now }) => Math.max(0, now - weight(had, variant)));
  return Math.round(gained.reduce((sum, it) => sum + it, 0) * 1_000) / 1_000;
}
