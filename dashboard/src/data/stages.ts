import type { Stage } from '../api/schema';

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
