import type { QueryClient } from '@tanstack/react-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { answered, api, asJson } from '../api/client';
import { ProblemError } from '../api/problem';
import { SESSION } from '../api/queries';
import { hearEvents, type NewRevision } from './events';
import { refreshFlags } from './flags';

/** Whether what is shown follows the server. */
export type Liveness = 'connecting' | 'live' | 'reconnecting';

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

/** Follows a project's events for as long as a page shows it to somebody, and reads again what they name. */
export function useLive(project: string, somebody: boolean) {
  const client = useQueryClient();
  useEffect(() => (somebody ? follow(project, client) : undefined), [project, somebody, client]);
}

function follow(project: string, client: QueryClient): () => void {
  let sequence: number | undefined;
  const begin = async () => {
    const first = liveness === 'connecting';
    become('live');
    // The first answers come to their end; a server that was away is asked at once.
    if (first) await underWay(project, client);
    // Whatever was read before the stream was there may be older than the first event; what was not there is told of.
    const missing = (error: unknown) => error instanceof ProblemError && error.missing;
    void client.invalidateQueries({ predicate: ({ queryKey, state }) => queryKey[0] === project && !missing(state.error) });
  };
  const end = hearEvents(project, (told) => {
    switch (told.kind) {
      case 'begun':
        return begin();
      case 'stands':
        sequence ??= told.sequence;
        if (!told.up) return become('reconnecting');
        return liveness === 'live' ? undefined : begin();
      case 'revision':
        return heard(project, told, client);
      case 'audit': {
        const before = sequence;
        sequence = told.sequence;
        return heardEntry(project, told.sequence, before, client);
      }
      case 'lost':
        become('reconnecting');
        if (told.refused) void client.invalidateQueries({ queryKey: SESSION });
    }
  });
  return () => {
    end();
    become('connecting');
  };
}

/** Waits for what is being read of a project. */
async function underWay(project: string, client: QueryClient) {
  const reading = client.getQueryCache().findAll({ queryKey: [project], fetchStatus: 'fetching' });
  await Promise.allSettled(reading.map(({ promise }) => promise));
}

function heardEntry(project: string, sequence: number, before: number | undefined, client: QueryClient) {
  // The first event after connecting only counts; what it stands for was asked for when the stream opened.
  if (before === undefined) return;
  for (const noun of ['audit', 'environments', 'tokens']) {
    void client.invalidateQueries({ queryKey: [project, noun] });
  }
  refreshWritten(project, sequence - before, client).catch(() => client.invalidateQueries({ queryKey: [project, 'flags'] }));
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
