import { ProblemError } from '../../api/problem';
import type { Fault } from '../../api/schema';
import type { ConditionFaults } from '../../parts/ConditionFields';
import { NO_SHARE } from '../../parts/PercentField';
import { type DeliveryDraft, type Draft, totalOf } from './draft';

/** What was found wrong, asked for by place. What no field asked for is told above the form. */
export interface Faults {
  /** What is wrong at a pointer or below it. */
  at: (pointer: string) => string | undefined;
  rest: string[];
}

/** Nothing is wrong; always the same, so that what is drawn with it need not be drawn again. */
export const FAULTLESS: Faults = { at: () => undefined, rest: [] };

/** Places that a field of the editor stands for. */
const FIELDS =
  /^\/(off_variant|default(\/|$)|prerequisites\/\d+|rules\/\d+(\/(name|rollout|serve|bucket_by|segments|conditions\/\d+)|$))/;

/** What the page sees by itself, so that it is not sent: what is not said yet, and shares that are no whole. */
export function missing(draft: Draft): Fault[] {
  const faults: Fault[] = [];
  const served = (pointer: string, { rollout, weights }: DeliveryDraft) => {
    if (Number.isNaN(rollout)) faults.push({ pointer: `${pointer}/rollout`, detail: NO_SHARE });
    const total = totalOf(weights);
    if (Number.isNaN(total)) faults.push({ pointer: `${pointer}/serve`, detail: NO_SHARE });
    else if (total !== 100) faults.push({ pointer: `${pointer}/serve`, detail: `The shares total ${total} %, not 100 %.` });
  };
  draft.prerequisites.forEach(({ flag, variants }, at) => {
    if (!flag) faults.push({ pointer: `/prerequisites/${at}/flag`, detail: 'Choose a flag.' });
    else if (variants.length === 0) faults.push({ pointer: `/prerequisites/${at}/variants`, detail: 'Choose what it must serve.' });
  });
  draft.rules.forEach((rule, at) => {
    rule.conditions.forEach(({ attribute, operator, values }, place) => {
      const pointer = `/rules/${at}/conditions/${place}`;
      if (attribute.trim() === '') faults.push({ pointer: `${pointer}/attribute`, detail: 'Name an attribute.' });
      if (operator !== 'exists' && (values ?? []).length === 0) faults.push({ pointer: `${pointer}/values`, detail: 'Give a value.' });
    });
    served(`/rules/${at}`, rule);
  });
  served('/default', draft.default);
  return faults;
}

/** What the server refused, and what it was not even asked for. */
export function faultsOf(error: unknown, found: Fault[] = []): Faults {
  if (error !== null && error !== undefined && !(error instanceof ProblemError)) return { at: () => undefined, rest: [String(error)] };
  const problem = error?.problem;
  const refused = problem?.errors ?? [];
  const faults = [...found, ...refused];
  const homeless = refused.filter(({ pointer }) => !FIELDS.test(pointer));
  const rest = homeless.map(({ pointer, detail }) => (pointer ? `${pointer}: ${detail}` : detail));
  return {
    at: (place) => {
      const here = faults.filter(({ pointer }) => pointer === place || pointer.startsWith(`${place}/`));
      return here.length === 0 ? undefined : [...new Set(here.map(({ detail }) => detail))].join(' ');
    },
    rest: problem && refused.length === 0 ? [problem.detail] : rest,
  };
}

/** What is wrong with one condition, each fault at the field that it speaks of. */
export function conditionFaults({ at }: Faults, pointer: string): ConditionFaults {
  const [attribute, operator, values] = ['attribute', 'operator', 'values'].map((part) => at(`${pointer}/${part}`));
  return { attribute, operator, values: values ?? (attribute || operator ? undefined : at(pointer)) };
}
