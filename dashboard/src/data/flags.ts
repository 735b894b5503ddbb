import type { QueryClient } from '@tanstack/react-query';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, answeredWhole, api, reasonHeader } from '../api/client';
import { ProblemError } from '../api/problem';
import type { FlagOverview, FlagRow, FlagUpdate, NewFlag, Overview } from '../api/schema';

/** When more flags than this change at once, all are read again. */
const MOST_SINGLE = 20;

const overviewKey = (project: string, archived = false) => [project, 'flags', archived ? 'archived' : 'overview'];

interface Known {
  overview: Overview;
  tag: string | null;
}

/** All flags of a project in a few words each, or all that are archived. What is known already is not sent again. */
export const overviewQuery = (project: string, archived = false) =>
  queryOptions({
    queryKey: overviewKey(project, archived),
    queryFn: async ({ client, signal, queryKey }): Promise<Known> => {
      const known = client.getQueryData<Known>(queryKey);
      const header = known?.tag ? { 'If-None-Match': known.tag } : {};
      const path = '/api/v1/projects/{project}/overview';
      const query = { archived };
      const read = api.GET(path, { params: { path: { project }, query, header }, signal });
      const { data, response } = await answeredWhole(read);
      if (response.status === 304 && known) return known;
      return { overview: data, tag: response.headers.get('etag') };
    },
  });

export function useOverview(project: string, archived = false) {
  return useQuery({
    ...overviewQuery(project, archived),
    // From live flags to archived ones and back, the page stays what it is until the others are there.
    placeholderData: (before) => (before?.overview.project === project ? before : undefined),
    select: ({ overview }) => overview,
  });
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
  return useQuery({ ...flagQuery(project, flag), enabled: flag !== '' });
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

const ONE = '/api/v1/projects/{project}/flags/{flag}';

interface Change {
  update: FlagUpdate;
  /** The version that was read; a newer one refuses the change. */
  version: number;
  reason: string;
}

/** Changes what all environments share about a flag. */
export function useUpdateFlag(project: string, flag: string) {
  const client = useQueryClient();
  const { queryKey } = flagQuery(project, flag);
  return useMutation({
    mutationFn: ({ update, version, reason }: Change) => {
      const params = { path: { project, flag }, header: { 'If-Match': `"${version}"` } };
      return answered(api.PATCH(ONE, { params, body: update, headers: reasonHeader(reason) }));
    },
    onSuccess: (written) => {
      client.setQueryData<FlagOverview>(queryKey, (known) => known && { ...known, ...written });
      refreshFlags(project, [flag], client);
    },
    // A refusal may mean that somebody else was first: then theirs is to be seen.
    onError: async (error) => {
      if (error instanceof ProblemError && error.outdated) await client.invalidateQueries({ queryKey, exact: true });
    },
  });
}

/** What is listed, live or archived, follows when a flag goes from the one to the other. */
function useMoved(project: string) {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: [project, 'flags'] });
}

/** Takes a flag out of every flag set; its settings and its history stay. */
export function useArchiveFlag(project: string, flag: string) {
  const onSuccess = useMoved(project);
  return useMutation({
    mutationFn: (reason: string) =>
      answered(api.POST(`${ONE}/archive`, { params: { path: { project, flag } }, headers: reasonHeader(reason) })),
    onSuccess,
  });
}

/** Gives an archived flag back, with the settings that it had. */
export function useRestoreFlag(project: string, flag: string) {
  const onSuccess = useMoved(project);
  return useMutation({
    mutationFn: (reason: string) =>
      answered(api.POST(`${ONE}/restore`, { params: { path: { project, flag } }, headers: reasonHeader(reason) })),
    onSuccess,
  });
}

/** Deletes an archived flag for ever. */
export function useDeleteFlag(project: string, flag: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      answered(api.DELETE(ONE, { params: { path: { project, flag } }, headers: reasonHeader(reason) })),
    onSuccess: () => client.invalidateQueries({ queryKey: overviewKey(project, true) }),
  });
}

/** Reads again what is shown of the flags that were named. */
export function refreshFlags(project: string, keys: string[], client: QueryClient) {
  for (const key of keys) void client.invalidateQueries({ queryKey: [project, 'flags', 'one', key] });
  if (keys.length > MOST_SINGLE) refreshLists(project, client);
  else for (const key of keys) void refreshRow(project, key, client);
}

function refreshLists(project: string, client: QueryClient) {
  for (const archived of [false, true]) void client.invalidateQueries({ queryKey: overviewKey(project, archived) });
}

/** Puts the newest state of one flag into the overview; one that comes or goes has all read again. */
async function refreshRow(project: string, flag: string, client: QueryClient) {
  const queryKey = overviewKey(project);
  const known = client.getQueryData<Known>(queryKey);
  if (!known) return refreshLists(project, client);
  const newest = await client.fetchQuery({ ...flagQuery(project, flag), retry: false, staleTime: 0 }).catch(() => undefined);
  const stands = known.overview.flags.some(({ key }) => key === flag);
  if (!newest || newest.archived_at || !stands) return refreshLists(project, client);
  // The tag stood for what was read before, so the next reading is whole.
  client.setQueryData<Known>(queryKey, (known) => known && { overview: withRow(known.overview, newest), tag: null });
}

function withRow(overview: Overview, newest: FlagOverview): Overview {
  const row: FlagRow = newest;
  return { ...overview, flags: overview.flags.map((flag) => (flag.key === row.key ? row : flag)) };
}
