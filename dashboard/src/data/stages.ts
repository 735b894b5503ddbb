import { useQuery } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import type { Stage } from '../api/schema';
import { useConfined } from './session';

/** Where a flag stands in its life, in words. */
export const STAGES: Record<Exclude<Stage, 'archived'>, string> = {
  new: 'New',
  developing: 'Developing',
  ramping: 'Ramping',
  launched: 'Launched',
  inactive: 'Inactive',
  draining: 'Draining',
  permanent: 'Permanent',
};

/** Why a flag in each stage is kept, when nothing is to be done about it. */
export const KEPT: Record<Stage, string> = {
  new: 'Made not long ago, and not evaluated yet.',
  developing: 'It has never been on where it matters.',
  ramping: 'It serves some one thing and others another, or did until not long ago.',
  launched: 'It serves everyone the same.',
  inactive: 'Nobody asks for it.',
  draining: 'It is gone from the code, and is still asked for.',
  permanent: 'Its purpose is to stay.',
  archived: 'Archived not long ago, and nobody asks for it.',
};

/** The stage of every flag, by its key. */
export function useStages(project: string) {
  return useQuery({
    // They speak of all environments.
    enabled: useConfined() === undefined,
    queryKey: [project, 'stages'],
    queryFn: async ({ signal }) => {
      const path = '/api/v1/projects/{project}/reports/stages';
      const { flags } = await answered(api.GET(path, { params: { path: { project } }, signal }));
      return Object.fromEntries(Object.entries(flags).map(([key, { stage }]) => [key, stage]));
    },
  });
}
