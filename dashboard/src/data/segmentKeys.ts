import { useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';

/** The keys of a project's segments, for who chooses among them. */
export function useSegmentKeys(project: string) {
  return useQuery({
    queryKey: [project, 'segments', 'keys'],
    queryFn: async ({ signal }) => {
      const path = '/api/v1/projects/{project}/segments';
      return (await answered(api.GET(path, { params: { path: { project } }, signal }))).items.map(({ key }) => key);
    },
  });
}
