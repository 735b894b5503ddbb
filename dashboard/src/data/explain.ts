import { useMutation } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import type { SettingsPlace } from './settings';

/** Asks what a flag answers to a context, and why; now, or at an instant or a revision. */
export function useExplain({ project, environment, flag }: SettingsPlace) {
  return useMutation({
    mutationFn: ({ context, at }: { context: Record<string, unknown>; at?: string }) => {
      const path = '/api/v1/projects/{project}/environments/{environment}/evaluate';
      const body = { flag, context, ...(at && { at }) } as never;
      return answered(api.POST(path, { params: { path: { project, environment } }, body }));
    },
  });
}
