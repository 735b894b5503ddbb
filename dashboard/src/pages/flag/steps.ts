import type { Answer, ConditionStep, Outcome, RolloutStep, SegmentStep, SplitStep, Step } from '../../api/schema';
import { operatorInWords, valuesText } from '../../parts/conditions';
import { percent } from '../../parts/words';

/** Why a flag answered so, in words. */
export const REASONS: Record<string, string> = {
  STATIC: 'everyone gets it',
  TARGETING_MATCH: 'a rule applies',
  SPLIT: 'of the bucket of this user',
  DEFAULT: 'no rule applies',
  DISABLED: 'the flag is off',
  PREREQUISITE_FAILED: 'a flag that it depends on does not serve what it must',
  ERROR: 'there was no such flag, or it is broken',
};

/** What became of a step: it decided, it let the next one be looked at, or it is why the off variant is served. */
export type Mark = 'serves' | 'holds' | 'passed' | 'fails';

/** One step of an evaluation in words. */
export interface SaidStep {
  title: string;
  mark: Mark;
  lines: string[];
  /** The flag whose own steps led to this one. */
  because?: string;
}

export function stepsOf({ trace, rule }: Answer): SaidStep[] {
  return trace.map((step) => said(step, rule?.index));
}

const OUTCOMES: Record<Outcome, string> = {
  served: 'It served.',
  not_met: 'It does not apply.',
  outside_rollout: 'The user is outside its rollout.',
  no_unit: 'There is nothing to draw a bucket from.',
};

function said(step: Step, served: number | undefined): SaidStep {
  switch (step.step) {
    case 'problem':
      return { title: 'The flag is broken', mark: 'fails', lines: [`${step.pointer}: ${step.detail}`] };
    case 'disabled':
      return { title: 'The flag is off', mark: 'serves', lines: ['Everyone gets the off variant.'] };
    case 'prerequisite':
      return {
        title: `${step.flag} must serve ${step.wanted.join(' or ')}`,
        mark: step.held ? 'holds' : 'fails',
        because: step.flag,
        lines: [step.served ? `It serves ${step.served}.` : 'It serves nothing.'],
      };
    case 'rule':
      return {
        title: `Rule ${step.index + 1}${step.name ? `: ${step.name}` : ''}`,
        mark: step.index === served ? 'serves' : 'passed',
        lines: [
          ...(step.segments ?? []).map(segment),
          ...(step.conditions ?? []).map(condition),
          ...drawn(step.rollout, step.split),
          OUTCOMES[step.outcome],
        ],
      };
    case 'default':
      return { title: 'The default', mark: step.outcome === 'served' ? 'serves' : 'passed', lines: [...drawn(step.rollout, step.split), OUTCOMES[step.outcome]] };
  }
}

/** What buckets are of a hundred: an editor speaks of percent, of which each has a thousand. */
const share = (buckets: number) => percent(buckets / 1_000);

function drawn(rollout: RolloutStep | null | undefined, split: SplitStep | null | undefined): string[] {
  const lines: string[] = [];
  if (rollout) {
    const { bucket_by, unit, bucket, threshold, inside } = rollout;
    lines.push(`${bucket_by} ${unit} is at ${share(bucket)}, ${inside ? 'within' : 'not within'} the first ${share(threshold)}.`);
  }
  if (split) lines.push(`In the split it is at ${share(split.bucket)}, which is ${split.variant}'s.`);
  return lines;
}

function segment({ segment, held }: SegmentStep): string {
  return `${held ? '✓' : '✗'} in segment ${segment}`;
}

function condition({ attribute, operator, values, more_values: more, negate, saw, held }: ConditionStep): string {
  const wanted = [attribute, operatorInWords(operator, negate), valuesText(values), more && `and ${more} more`].filter(Boolean).join(' ');
  const seen = saw === null || saw === undefined ? 'there is none' : `it is ${seenText(saw)}`;
  return `${held ? '✓' : '✗'} ${wanted}: ${seen}`;
}

/** What a context has, written as the editor writes values: a text that reads as a number is in quotes. */
function seenText(saw: unknown): string {
  return typeof saw === 'string' ? valuesText([saw]) : JSON.stringify(saw);
}
