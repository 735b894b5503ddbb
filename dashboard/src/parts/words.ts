import type { Prerequisite, Rule, Serve } from '../api/schema';
import { conditionInWords } from './conditions';
import { isInstant, withTimes } from './instants';

// What settings say, in the words of the page.

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });

/** A share: `12.5 %`. One that is not said is everybody. */
export const percent = (value: unknown) => `${number.format(Number(value ?? 100))} %`;

/** What is served: `on`, or `a 60 % · b 40 %`. */
export function serveInWords(serve: Serve): string {
  if (typeof serve === 'string') return serve;
  return serve.split.map(({ variant, weight }) => `${variant} ${percent(weight)}`).join(' · ');
}

/** Whom a rule is for: `in segment beta and country is one of NO, SE`. */
export function whoInWords({ segments, conditions }: Pick<Rule, 'segments' | 'conditions'>): string {
  const all = [...(segments ?? []).map((segment) => `in segment ${segment}`), ...(conditions ?? []).map(conditionInWords)];
  return all.join(' and ') || 'everyone';
}

/** A rule in one sentence: `country is one of NO: on, for 25 %`. */
export function ruleInWords(rule: Rule): string {
  const { rollout = 100, bucket_by: unit } = rule;
  const share = rollout === 100 ? '' : `, for ${percent(rollout)}`;
  return `${whoInWords(rule)}: ${serveInWords(rule.serve)}${share}${unit ? `, by ${unit}` : ''}`;
}

/** What a rule is called: `Rule 2 (beta)`. */
export const ruleName = (rule: Pick<Rule, 'name'>, at: number) => `Rule ${at + 1}${rule.name ? ` (${rule.name})` : ''}`;

/** What a prerequisite asks for: `on or partly`. */
export const wantedInWords = ({ variants }: Pick<Prerequisite, 'variants'>) => variants.join(' or ') || 'nothing';

/** Anything else, as text. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined || value === '') return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return isInstant(value) ? withTimes(value) : value;
  if (Array.isArray(value)) return value.map(inWords).join(', ');
  if (typeof value !== 'object') return typeof value === 'number' ? String(value) : JSON.stringify(value);
  return Object.entries(value)
    .map(([name, it]) => `${name}: ${typeof it === 'object' && it !== null ? JSON.stringify(it) : String(it)}`)
    .join(', ');
}
