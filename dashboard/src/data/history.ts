import { useInfiniteQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import type { ItemsSealed } from '../api/schema';
import { flagQuery } from './flags';

/** What was done to a flag, in all environments and to itself, the newest first. */
export function useHistory(project: string, flag: string) {
  return useInfiniteQuery({
    queryKey: [...flagQuery(project, flag).queryKey, 'history'],
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: ItemsSealed) => page.next_cursor ?? undefined,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: 50, ...(pageParam && { cursor: pageParam }) };
      const path = '/api/v1/projects/{project}/flags/{flag}/history';
      // Unless another format is asked for, it is JSON.
      return (await answered(api.GET(path, { params: { path: { project, flag }, query }, signal }))) as ItemsSealed;
    },
  });
}
