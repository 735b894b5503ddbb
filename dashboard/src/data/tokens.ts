import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, api, reasonHeader } from '../api/client';
import type { NewToken } from '../api/schema';

const PATH = '/api/v1/projects/{project}/tokens';

/** The tokens of a project, without their secrets. */
export const tokensQuery = (project: string) =>
  queryOptions({
    queryKey: [project, 'tokens'],
    queryFn: async ({ signal }) => (await answered(api.GET(PATH, { params: { path: { project } }, signal }))).items,
  });

/** The same for who may read them; others do not ask. */
export function useTokens(project: string, may: boolean) {
  return useQuery({ ...tokensQuery(project), enabled: may });
}

/** Makes a token; the answer has its secret, for the only time. */
export function useCreateToken(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token: NewToken) => answered(api.POST(PATH, { params: { path: { project } }, body: token })),
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'tokens'] }),
  });
}

/** Revokes a token: it stops working at once. */
export function useRevokeToken(project: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) => {
      const path = '/api/v1/projects/{project}/tokens/{token}';
      return answered(api.DELETE(path, { params: { path: { project, token: id } }, headers: reasonHeader(reason) }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: [project, 'tokens'] }),
  });
}
