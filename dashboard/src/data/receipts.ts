import { useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';

/** How often it is asked who has a revision while somebody watches. */
const WATCH_MS = 500;

/** How many instances run a revision, counted until all do. */
export function useReceipts(project: string, environment: string, revision: number | undefined) {
  return useQuery({
    queryKey: [project, 'receipts', environment, revision],
    enabled: revision !== undefined,
    queryFn: ({ signal }) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/instances';
      const query = { revision: revision ?? 0, behind: true, limit: 20 };
      return answered(api.GET(path, { params: { path: { project, environment }, query }, signal }));
    },
    refetchInterval: ({ state }) => (state.data && state.data.at_revision >= state.data.instances ? false : WATCH_MS),
  });
}
