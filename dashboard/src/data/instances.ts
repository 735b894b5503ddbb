import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import { useSignedIn } from './session';

const PATH = '/api/v1/projects/{project}/environments/{environment}/instances';

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
  const somebody = useSignedIn();
  return useInfiniteQuery({
    queryKey: [project, 'instances', environment, filters],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filters, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      const params = { path: { project, environment: environment ?? '' }, query };
      return answered(api.GET(PATH, { params, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: somebody && AGAIN_MS,
    enabled: environment !== undefined,
  });
}

/** How often it is asked who has a revision while somebody watches. */
const WATCH_MS = 500;

/** How many instances run a revision, counted until all do. */
export function useReceipts(project: string, environment: string, revision: number | undefined) {
  const somebody = useSignedIn();
  return useQuery({
    queryKey: [project, 'receipts', environment, revision],
    enabled: revision !== undefined,
    queryFn: ({ signal }) => {
      const query = { revision: revision ?? 0, behind: true, limit: 20 };
      return answered(api.GET(PATH, { params: { path: { project, environment }, query }, signal }));
    },
    refetchInterval: ({ state: { data } }) => {
      const all = data !== undefined && data.at_revision >= data.instances;
      return somebody && !all && WATCH_MS;
    },
  });
}
