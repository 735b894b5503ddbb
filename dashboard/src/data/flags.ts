import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import type { FlagOverview, ItemsFlagOverview, NewFlag, paths } from '../api/schema';

const LIST = '/api/v1/projects/{project}/flags';
const PAGE = 200;
/** When more flags than this change at once the lists are read again whole. */
const MOST_SINGLE = 20;

/** What the list of flags can be narrowed by, as the API names it. */
export type FlagFilters = Omit<NonNullable<paths[typeof LIST]['get']['parameters']['query']>, 'cursor' | 'limit'>;

/** The flags that fit, page by page. While another search is under way, what was found before stays. */
export function useFlags(project: string, filters: FlagFilters) {
  return useInfiniteQuery({
    queryKey: [project, 'flags', 'list', filters],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filters, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      return answered(api.GET(LIST, { params: { path: { project }, query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor || undefined,
    placeholderData: keepPreviousData,
  });
}

/** Makes a flag: off in every environment. */
export function useCreateFlag(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (flag: NewFlag) => answered(api.POST(LIST, { params: { path: { project } }, body: flag })),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'flags'] }),
  });
}

/** Reads again what is shown of the flags that were named. */
export function refreshFlags(project: string, keys: string[], client: QueryClient) {
  for (const key of keys) void client.invalidateQueries({ queryKey: [project, 'flags', 'one', key] });
  if (keys.length > MOST_SINGLE) void client.invalidateQueries({ queryKey: [project, 'flags', 'list'] });
  else for (const key of keys) void refreshListed(project, key, client);
}

type Lists = InfiniteData<ItemsFlagOverview>;

/** Puts the newest state of one flag into the lists that show it; where it is not yet shown, they are read again. */
async function refreshListed(project: string, flag: string, client: QueryClient) {
  const queryKey = [project, 'flags', 'list'];
  const lists = client.getQueriesData<Lists>({ queryKey });
  const shown = lists.some(([, list]) => list?.pages.some(({ items }) => items.some(({ key }) => key === flag)));
  if (!shown) return client.invalidateQueries({ queryKey });
  const path = '/api/v1/projects/{project}/flags/{flag}';
  const read = api.GET(path, { params: { path: { project, flag } } });
  const newest = await answered(read).catch(() => undefined);
  if (!newest || newest.archived_at) return client.invalidateQueries({ queryKey });
  client.setQueriesData<Lists>({ queryKey }, (list) => list && withFlag(list, newest));
}

function withFlag(list: Lists, newest: FlagOverview): Lists {
  const pages = list.pages.map((page) => ({
    ...page,
    items: page.items.map((flag) => (flag.key === newest.key ? newest : flag)),
  }));
  return { ...list, pages };
}
