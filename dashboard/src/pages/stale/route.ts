import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
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
  component: lazyRouteComponent(() => import('./StalePage'), 'StalePage'),
});
