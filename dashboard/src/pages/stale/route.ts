import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { text } from '../../search';

/** What the report is narrowed by, as it stands in the address; without a verdict, all that asks for something. */
export interface StaleFilters {
  verdict?: string | undefined;
  stage?: string | undefined;
  owner?: string | undefined;
}

export function readStaleFilters(search: Record<string, unknown>): StaleFilters {
  return { verdict: text(search['verdict']), stage: text(search['stage']), owner: text(search['owner']) };
}

export const staleRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'stale',
  validateSearch: readStaleFilters,
  component: page(() => import('./StalePage'), 'StalePage'),
});
