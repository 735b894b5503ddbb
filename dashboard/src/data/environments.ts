import { queryOptions, useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import type { Environment } from '../api/schema';

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

export function useEnvironments(project: string) {
  return useQuery(environmentsQuery(project));
}

/** How an environment is painted: what is protected looks like production everywhere. */
export type Tone = 'production' | 'staging' | 'development' | 'other';

export function toneOf(environment: Pick<Environment, 'key' | 'protected'>): Tone {
  if (environment.protected) return 'production';
  if (environment.key === 'staging' || environment.key === 'development') return environment.key;
  return 'other';
}
