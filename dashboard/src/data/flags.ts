import type { QueryClient } from '@tanstack/react-query';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, answeredWhole, api } from '../api/client';
import type { FlagOverview, FlagRow, NewFlag, Overview } from '../api/schema';

/** When more flags than this change at once, all are read again. */
const MOST_SINGLE = 20;

const overviewKey = (project: string) => [project, 'flags', 'overview'];

interface Known {
  overview: Overview;
  tag: string | null;
}

/** All flags of a project in a few words each. What is known already is not sent again. */
export const overviewQuery = (project: string) =>
  queryOptions({
    queryKey: overviewKey(project),
    queryFn: async ({ client, signal }): Promise<Known> => {
      const known = client.getQueryData<Known>(overviewKey(project));
      const header = known?.tag ? { 'If-None-Match': known.tag } : {};
      const path = '/api/v1/projects/{project}/overview';
      const read = api.GET(path, { params: { path: { project }, header }, signal });
      const { data, response } = await answeredWhole(read);
      if (response.status === 304 && known) return known;
      return { overview: data, tag: response.headers.get('etag') };
    },
  });

export function useOverview(project: string) {
  return useQuery({ ...overviewQuery(project), select: ({ overview }) => overview });
}

/** One flag with a glance at each environment. */
export const flagQuery = (project: string, flag: string) =>
  queryOptions({
    queryKey: [project, 'flags', 'one', flag],
    queryFn: ({ signal }) => {
      const path = '/api/v1/projects/{project}/flags/{flag}';
      return answered(api.GET(path, { params: { path: { project, flag } }, signal }));
    },
  });

export function useFlag(project: string, flag: string) {
  return useQuery(flagQuery(project, flag));
}

/** Makes a flag: off in every environment. */
export function useCreateFlag(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (flag: NewFlag) =>
      answered(api.POST('/api/v1/projects/{project}/flags', { params: { path: { project } }, body: flag })),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'flags'] }),
  });
}

/** Reads again what is shown of the flags that were named. */
export function refreshFlags(project: string, keys: string[], client: QueryClient) {
  for (const key of keys) void client.invalidateQueries({ queryKey: [project, 'flags', 'one', key] });
  if (keys.length > MOST_SINGLE) void client.invalidateQueries({ queryKey: overviewKey(project) });
  else for (const key of keys) void refreshRow(project, key, client);
}

/** Puts the newest state of one flag into the overview; one that comes or goes has all read again. */
async function refreshRow(project: string, flag: string, client: QueryClient) {
  const queryKey = overviewKey(project);
  const known = client.getQueryData<Known>(queryKey);
  if (!known) return;
  const newest = await client.fetchQuery({ ...flagQuery(project, flag), retry: false, staleTime: 0 }).catch(() => undefined);
  const stands = known.overview.flags.some(({ key }) => key === flag);
  if (!newest || newest.archived_at || !stands) return client.invalidateQueries({ queryKey });
  // The tag stood for what was read before, so the next reading is whole.
  client.setQueryData<Known>(queryKey, (known) => known && { overview: withRow(known.overview, newest), tag: null });
}

function withRow(overview: Overview, newest: FlagOverview): Overview {
  const row: FlagRow = newest;
  return { ...overview, flags: overview.flags.map((flag) => (flag.key === row.key ? row : flag)) };
}
