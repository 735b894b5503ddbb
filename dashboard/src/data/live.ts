import type { QueryClient } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { answered, api, asJson } from '../api/client';
import { ProblemError } from '../api/problem';
import { SESSION } from '../api/queries';
import { refreshFlags } from './flags';

/** Whether what is shown follows the server. */
export type Liveness = 'connecting' | 'live' | 'reconnecting';

/** What the server's event `revision` says; null keys mean that any may have changed. */
interface NewRevision {
  environment: string;
  revision: number;
  flags: string[] | null;
  segments: string[] | null;
}

/** What the server's event `audit` says: the number of the newest entry. */
interface NewEntry {
  sequence: number;
}

let liveness: Liveness = 'connecting';
const listeners = new Set<() => void>();

function become(next: Liveness) {
  if (next === liveness) return;
  liveness = next;
  for (const listener of listeners) listener();
}

function listen(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useLiveness(): Liveness {
  return useSyncExternalStore(listen, () => liveness);
}

/** A browser gives up on a stream that was refused; then it is opened again after this long. */
const AGAIN_MS = 3_000;

/** Follows a project's events for as long as a page shows it to somebody, and reads again what they name. */
export function useLive(project: string, somebody: boolean) {
  const client = useQueryClient();
  useEffect(() => (somebody ? follow(project, client) : undefined), [project, somebody, client]);
}

function follow(project: string, client: QueryClient): () => void {
  let source: EventSource;
  let again: number | undefined;
  const open = () => {
    source = new EventSource(`/api/v1/projects/${encodeURIComponent(project)}/events`);
    source.addEventListener('open', () => {
      become('live');
      // Whatever was read before the stream was open may be older than the first event; what was not there is told of.
      const missing = (error: unknown) => error instanceof ProblemError && error.missing;
      void client.invalidateQueries({ predicate: ({ queryKey, state }) => queryKey[0] === project && !missing(state.error) });
    });
    source.addEventListener('revision', (event) => heard(project, JSON.parse(event.data) as NewRevision, client));
    let told: number | undefined;
    source.addEventListener('audit', (event) => {
      const { sequence } = JSON.parse(event.data) as NewEntry;
      for (const noun of ['audit', 'environments', 'tokens']) {
        void client.invalidateQueries({ queryKey: [project, noun] });
      }
      if (told !== undefined) refreshWritten(project, sequence - told, client).catch(() => client.invalidateQueries({ queryKey: [project, 'flags'] }));
      told = sequence;
    });
    source.addEventListener('error', () => {
      become('reconnecting');
      if (source.readyState !== EventSource.CLOSED) return;
      // It was refused: perhaps because the session has ended.
      void client.invalidateQueries({ queryKey: SESSION });
      again = window.setTimeout(open, AGAIN_MS);
    });
  };
  open();
  return () => {
    window.clearTimeout(again);
    source.close();
    become('connecting');
  };
}

/** Past so many entries at once, all flags are read again. */
const MOST_ENTRIES = 50;

/**
 * Reads again the flags that the newest entries of the audit are about. An owner, a tag or the deletion of an archived
 * flag is no revision, since no application sees it; people do.
 */
async function refreshWritten(project: string, limit: number, client: QueryClient) {
  if (limit < 1) return;
  if (limit > MOST_ENTRIES) return client.invalidateQueries({ queryKey: [project, 'flags'] });
  const query = { project, limit };
  const { items } = asJson(await answered(api.GET('/api/v1/audit', { params: { query } })));
  const flags = items.flatMap(({ action, flag }) => (action.startsWith('flag.') && flag ? [flag] : []));
  refreshFlags(project, [...new Set(flags)], client);
}

function heard(project: string, { flags, segments }: NewRevision, client: QueryClient) {
  // The first event after connecting names nothing; what it stands for was asked for when the stream opened.
  if (flags === null) return;
  refreshFlags(project, flags, client);
  if (segments === null || segments.length > 0) void client.invalidateQueries({ queryKey: [project, 'segments'] });
  for (const noun of ['stages', 'stale', 'instances', 'comparison']) {
    void client.invalidateQueries({ queryKey: [project, noun] });
  }
}
