import createClient from 'openapi-fetch';
import type { paths } from './schema';
import { ProblemError, problemOf, UNKNOWN } from './problem';

/** The API by its own document: a path or a field that is not there does not compile. */
export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin', fetch: ask });

/** How long an answer is waited for: a server that stands still never says so. */
const PATIENCE_MS = 30_000;

async function ask(request: Request): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PATIENCE_MS)]) });
  } catch (cause) {
    // Whoever asked does not want to know any more.
    if (request.signal.aborted) throw cause;
    throw new ProblemError(request.method === 'GET' ? unread : unwritten);
  }
}

/** Told only to who sent a tag: the caller has the newest. */
const NOT_MODIFIED = 304;

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the server answered, or its problem thrown. A server that cannot be reached is a problem too. */
export async function answered<T>(request: Promise<Answer<T>>): Promise<T> {
  return (await answeredWhole(request)).data;
}

/** The same with the response, for who needs its headers. */
export async function answeredWhole<T>(request: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await request.catch((cause: unknown) => {
    // It began to answer, and did not end.
    throw cause instanceof ProblemError ? cause : new ProblemError(unread);
  });
  if (!response.ok && response.status !== NOT_MODIFIED) throw new ProblemError(problemOf(error, response));
  return { data: data as T, response };
}

/** The answer as JSON, of a route that writes text when it is asked for. */
export function asJson<T>(answer: T): Exclude<T, string> {
  if (typeof answer === 'string') throw new Error('The answer is no JSON.');
  return answer as Exclude<T, string>;
}

const unreachable = { type: 'about:blank', title: 'The server cannot be reached', status: 0 };

const unread = { ...unreachable, detail: 'What you see may be out of date. It is asked again by itself.' };

const unwritten = { ...unreachable, detail: UNKNOWN };

/** The header that tells why, for requests that have no body to say it in. */
export function reasonHeader(reason: string): Record<string, string> {
  return reason.trim() ? { 'Hoist-Reason': encodeURIComponent(reason.trim()) } : {};
}
