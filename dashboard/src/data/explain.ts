import { useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import { flagQuery } from './flags';
import type { SettingsPlace } from './settings';

/** What is asked: for whom, and as of when. */
export interface Asked {
  context: Record<string, unknown>;
  /** An instant or a revision; now when absent. */
  at?: string | number | undefined;
}

/** What a flag answers to a context, and why. What others change meanwhile has it asked again. */
export function useExplain({ project, environment, flag }: SettingsPlace, asked: Asked | undefined) {
  return useQuery({
    queryKey: [...flagQuery(project, flag).queryKey, 'explain', environment, asked],
    enabled: asked !== undefined,
    queryFn: ({ signal }) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/evaluate';
      const { context, at } = asked ?? {};
      const body = { flag, context, ...(at !== undefined && { at }) } as never;
      return answered(api.POST(path, { params: { path: { project, environment } }, body, signal }));
    },
  });
}
