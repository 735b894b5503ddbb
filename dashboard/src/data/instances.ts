import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';

const PAGE = 200;
/** Programs come, go and report without an event; so what is on the screen is asked for again. */
const AGAIN_MS = 3_000;

export interface InstanceFilters {
  app?: string | undefined;
  /** Only those that do not run the newest revision. */
  behind?: boolean | undefined;
}

/** The programs that follow an environment, and how many of them run its newest revision. */
export function useInstances(project: string, environment: string | undefined, filters: InstanceFilters) {
  return useInfiniteQuery({
    queryKey: [project, 'instances', environment, filters],
    queryFn: ({ pageParam, signal }) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/instances';
      const query = { ...filters, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      const params = { path: { project, environment: environment ?? '' }, query };
      return answered(api.GET(path, { params, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: AGAIN_MS,
    enabled: environment !== undefined,
  });
}
