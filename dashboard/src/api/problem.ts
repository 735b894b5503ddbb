import type { Fault, Problem } from './schema';

/** A problem document (RFC 9457) as an error. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(asSentence(problem.detail));
    this.problem = problem;
  }

  /** Nobody is signed in, or the session has ended. */
  get signedOut(): boolean {
    return this.problem.status === 401;
  }

  /** There is no such thing. */
  get missing(): boolean {
    return this.problem.status === 404;
  }

  /** Somebody else wrote first: the version that was read is no longer the newest. */
  get outdated(): boolean {
    return this.problem.status === 412;
  }

  /** The server did not answer at all. */
  get offline(): boolean {
    return this.problem.status === 0;
  }
}

/** What is said of a write that the server did not answer: the network may have swallowed the answer alone. */
export const UNKNOWN = 'Nobody knows whether this was saved. What stands is shown as soon as the server is back; then try again.';

/** Reads a problem out of an answer, whatever stood before the server and answered instead of it. */
export function problemOf(body: unknown, response: Response): Problem {
  if (isProblem(body)) return body;
  const title = response.statusText || `Status ${response.status}`;
  return { type: 'about:blank', title, status: response.status, detail: `The answer was ${response.status}.` };
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'title' in body && 'detail' in body && 'status' in body;
}

/** What the server names in backticks stands on the page in quotes. */
export const quoted = (detail: string) => detail.replaceAll(/`([^`]*)`/g, '“$1”');

/** The server's words as a sentence of the page: it begins them small. */
function asSentence(detail: string): string {
  const words = quoted(detail);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What is wrong where: by form field, and what belongs to none. */
export interface FieldErrors<Field extends string> {
  fields: Partial<Record<Field, string>>;
  rest: string[];
}

/**
 * Puts each fault of a problem at the field that its JSON pointer leads into. `places` names the pointer of each field;
 * the longest that fits wins, and a fault that fits none is told above the form.
 */
export function fieldErrors<Field extends string>(error: unknown, places: Record<Field, string>): FieldErrors<Field> {
  const errors: FieldErrors<Field> = { fields: {}, rest: [] };
  if (error === null || error === undefined) return errors;
  if (!(error instanceof ProblemError)) return { fields: {}, rest: [String(error)] };
  const faults = error.problem.errors ?? [];
  for (const fault of faults) {
    const field = fieldAt(fault, places);
    const detail = asSentence(fault.detail);
    if (field === undefined) errors.rest.push(fault.pointer ? `${fault.pointer}: ${detail}` : detail);
    else errors.fields[field] = [errors.fields[field], detail].filter(Boolean).join(' ');
  }
  if (faults.length === 0) errors.rest.push(error.message);
  return errors;
}

function fieldAt<Field extends string>(fault: Fault, places: Record<Field, string>): Field | undefined {
  const entries = Object.entries(places) as [Field, string][];
  const fitting = entries.filter(([, place]) => fault.pointer === place || fault.pointer.startsWith(`${place}/`));
  return fitting.sort(([, a], [, b]) => b.length - a.length)[0]?.[0];
}
