import { useQuery } from '@tanstack/react-query';
import { answered, api, asJson } from '../api/client';
import type { Verdict } from '../api/schema';
import { useConfined } from './session';

/** What to do with a flag, in words. */
export const VERDICTS: Record<Verdict, string> = {
  keep: 'Keep',
  decide: 'Decide',
  'remove-code': 'Remove code',
  drain: 'Drain',
  archive: 'Archive',
  delete: 'Delete',
  blocked: 'Blocked',
};

/** The stale report: what to do with every flag, and why. */
export function useStale(project: string) {
  return useQuery({
    enabled: useConfined() === undefined,
    queryKey: [project, 'stale'],
    queryFn: async ({ signal }) => {
      const path = '/api/v1/projects/{project}/reports/stale';
      return asJson(await answered(api.GET(path, { params: { path: { project } }, signal })));
    },
  });
}
