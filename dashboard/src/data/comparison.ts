import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import type { FlagDifference } from '../api/schema';

/** What would change in one environment if another's settings were taken over. */
export function useComparison(project: string, from: string | undefined, to: string | undefined) {
  return useQuery({
    queryKey: [project, 'comparison', from, to],
    enabled: from !== undefined && to !== undefined && from !== to,
    queryFn: ({ signal }) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/diff';
      const params = { path: { project, environment: to ?? '' }, query: { from: from ?? '' } };
      return answered(api.GET(path, { params, signal }));
    },
  });
}

interface Promotion {
  from: string;
  to: string;
  items: FlagDifference[];
  reason: string;
}

/** Takes over what was shown of some flags, or nothing. */
export function usePromote(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ from, to, items, reason }: Promotion) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/promote';
      const flags = items.map(({ flag, from_version, to_version }) => ({ flag, from_version, to_version }));
      const body = { from, flags, reason: reason.trim() || null };
      return answered(api.POST(path, { params: { path: { project, environment: to } }, body }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: [project, 'comparison'] }),
  });
}
