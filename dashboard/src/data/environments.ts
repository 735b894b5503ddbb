import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { answered, api, reasonHeader } from '../api/client';
import type { Environment, EnvironmentUpdate, NewEnvironment } from '../api/schema';
import { useConfined } from './session';

/** The environments of a project, in their order. */
export const environmentsQuery = (project: string) =>
  queryOptions({
    queryKey: [project, 'environments'],
    queryFn: async () => {
      const path = '/api/v1/projects/{project}/environments';
      const { items } = await answered(api.GET(path, { params: { path: { project } } }));
      return items.toSorted((a, b) => a.position - b.position);
    },
  });

/** Those of them that the person signed in may look into. */
export function useEnvironments(project: string) {
  const confined = useConfined();
  const select = useCallback(
    (all: Environment[]) => (confined === undefined ? all : all.filter(({ key }) => key === confined)),
    [confined],
  );
  return useQuery({ ...environmentsQuery(project), select });
}

/** How an environment is painted: what is protected looks like production everywhere. */
export type Tone = 'production' | 'staging' | 'development' | 'other';

export function toneOf(environment: Pick<Environment, 'key' | 'protected'>): Tone {
  if (environment.protected) return 'production';
  if (environment.key === 'staging' || environment.key === 'development') return environment.key;
  return 'other';
}

const ONE = '/api/v1/projects/{project}/environments/{environment}';

/** Whatever is listed by environment follows when one comes, goes or is called otherwise. */
function useRefresh(project: string) {
  const client = useQueryClient();
  return () => client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === project });
}

/** Makes an environment, in which every flag is off. */
export function useCreateEnvironment(project: string) {
  const onSuccess = useRefresh(project);
  return useMutation({
    mutationFn: (environment: NewEnvironment) => {
      const path = '/api/v1/projects/{project}/environments';
      return answered(api.POST(path, { params: { path: { project } }, body: environment }));
    },
    onSuccess,
  });
}

/** Changes what an environment is called and whether it is protected. */
export function useUpdateEnvironment(project: string, environment: string) {
  const onSuccess = useRefresh(project);
  return useMutation({
    mutationFn: ({ update, reason }: { update: EnvironmentUpdate; reason: string }) => {
      const params = { path: { project, environment } };
      return answered(api.PATCH(ONE, { params, body: update, headers: reasonHeader(reason) }));
    },
    onSuccess,
  });
}

/** Deletes an environment in which every flag is off. */
export function useDeleteEnvironment(project: string, environment: string) {
  const onSuccess = useRefresh(project);
  return useMutation({
    mutationFn: (reason: string) =>
      answered(api.DELETE(ONE, { params: { path: { project, environment } }, headers: reasonHeader(reason) })),
    onSuccess,
  });
}
