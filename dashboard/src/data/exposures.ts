import { useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import { useSignedIn } from './session';
import type { SettingsPlace } from './settings';

const FRESH_MS = 60_000;

/** How often a flag was evaluated, by day and variant. Applications report each minute, and no event tells of it. */
export function useExposures({ project, environment, flag }: SettingsPlace) {
  const somebody = useSignedIn();
  return useQuery({
    queryKey: [project, 'exposures', environment, flag],
    staleTime: FRESH_MS,
    refetchInterval: somebody && FRESH_MS,
    queryFn: ({ signal }) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/flags/{flag}/exposures';
      return answered(api.GET(path, { params: { path: { project, environment, flag } }, signal }));
    },
  });
}
