import type { Condition, Operator } from '../api/schema';

/** What people call each operator. */
export const OPERATORS: Record<Operator, string> = {
  in: 'is one of',
  contains: 'contains',
  starts_with: 'starts with',
  ends_with: 'ends with',
  matches: 'matches the pattern',
  lt: 'is less than',
  lte: 'is at most',
  gt: 'is more than',
  gte: 'is at least',
  eq: 'equals the number',
  semver_lt: 'is a version before',
  semver_lte: 'is a version up to',
  semver_gt: 'is a version after',
  semver_gte: 'is a version from',
  semver_eq: 'is the version',
  before: 'is before the time',
  after: 'is after the time',
  in_cidr: 'is in the network',
  exists: 'is there',
};

const NUMBERS: Operator[] = ['lt', 'lte', 'gt', 'gte', 'eq'];
const WITH_CASE: Operator[] = ['contains', 'starts_with', 'ends_with'];

export const ignoresCase = (operator: Operator) => WITH_CASE.includes(operator);

/** So many values are named in a sentence. */
const NAMED = 20;

/** What an operator asks: `is not one of`. */
export const operatorInWords = (operator: Operator, negate = false) => (negate ? negated(OPERATORS[operator]) : OPERATORS[operator]);

/** A condition in words: `country is not one of NO, SE`. */
export function conditionInWords({ attribute, operator, values = [], negate, ignore_case: ignoreCase }: Condition): string {
  const list = values.slice(0, NAMED).map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ');
  const more = values.length > NAMED ? `and ${values.length - NAMED} more` : '';
  return [attribute, operatorInWords(operator, negate), list, more, ignoreCase && '(in any case)'].filter(Boolean).join(' ');
}

/** What the server says about a pattern is drawn over several lines for a terminal; here it is one sentence. */
export function plainFault(detail: string): string {
  if (!/regex parse error/i.test(detail)) return detail;
  const reason = detail.split('error: ').at(-1)?.replaceAll(/\s+/g, ' ').trim();
  return `This pattern cannot be read: ${reason}.`;
}

function negated(words: string): string {
  if (words.startsWith('is ')) return words.replace('is ', 'is not ');
  return `does not ${words.replace(/^(\w+?)(es|s)\b/, (whole, stem: string) => (whole === 'matches' ? 'match' : stem))}`;
}

/** The values as they are typed: one a line, or parted by commas. A text that reads as another type is in quotes. */
export function valuesText(values: unknown[] | undefined): string {
  return (values ?? []).map((value) => (typeof value === 'string' && !isPlain(value) ? JSON.stringify(value) : String(value))).join(', ');
}

function isPlain(text: string): boolean {
  return text !== '' && text === text.trim() && !/[",\n]/.test(text) && typeof bare(text) === 'string';
}

function bare(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text !== '' && !Number.isNaN(number) && /^-?\d/.test(text) && String(number) === text ? number : text;
}

/** Reads values as they were typed: numbers and booleans by themselves, anything in quotes as text. */
export function readValues(text: string, operator: Operator): (string | number | boolean)[] {
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[^,\n]+/g) ?? [];
  return parts
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      if (part.startsWith('"')) return quoted(part);
      return operator === 'in' || NUMBERS.includes(operator) ? bare(part) : part;
    });
}

function quoted(part: string): string {
  try {
    return String(JSON.parse(part));
  } catch {
    return part;
  }
}
