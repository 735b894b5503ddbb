import { infiniteQueryOptions, useInfiniteQuery } from '@tanstack/react-query';
import { answered, api, asJson } from '../api/client';

/** Which entries of the audit are asked for; days are the viewer's own. */
export interface AuditFilters {
  flag?: string | undefined;
  where?: string | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** The filters as the API reads them. */
export function asQuery(project: string, filters: AuditFilters) {
  const { flag, where, actor, action, since, until } = filters;
  const query = { project, flag, environment: where, actor, action, since: dayBegins(since), until: dayBegins(until, 1) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value)) as Partial<Record<keyof typeof query, string>>;
}

/** The beginning of a day, or of one so many days later, where the viewer is. */
function dayBegins(day: string | undefined, later = 0): string | undefined {
  const [year, month, date] = (day ?? '').split('-').map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + later).toISOString();
}

/** Where the whole audit that fits the filters is found as a file. */
export function exportAddress(project: string, filters: AuditFilters, format: 'csv' | 'ndjson'): string {
  return `/api/v1/audit?${new URLSearchParams({ ...asQuery(project, filters), format })}`;
}

const auditQuery = (project: string, filters: AuditFilters) =>
  infiniteQueryOptions({
    queryKey: [project, 'audit', filters],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...asQuery(project, filters), cursor: pageParam };
      return asJson(await answered(api.GET('/api/v1/audit', { params: { query }, signal })));
    },
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });

/** Who has done something of late, as the audit names them. */
export function useActors(project: string): string[] {
  const newest = useInfiniteQuery(auditQuery(project, NONE)).data?.pages.flatMap(({ items }) => items) ?? [];
  return [...new Set(newest.map(({ actor }) => actor))];
}

const NONE: AuditFilters = {
  flag: undefined, where: undefined, actor: undefined, action: undefined, since: undefined, until: undefined,
};

/** The audit, newest entry first, page by page. */
export function useAudit(project: string, filters: AuditFilters) {
  return useInfiniteQuery(auditQuery(project, filters));
}
