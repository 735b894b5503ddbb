import { queryOptions, useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';

/** The projects that the person signed in may see. */
export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: async () => (await answered(api.GET('/api/v1/projects'))).items,
});

export function useProjects() {
  return useQuery(projectsQuery);
}
