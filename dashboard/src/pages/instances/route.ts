import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import type { InstanceFilters } from '../../data/instances';
import { projectRoute } from '../../routes';
import { text } from '../../search';

/** What the address says about the list. */
export function readInstanceFilters(search: Record<string, unknown>): InstanceFilters {
  return { app: text(search['app']), behind: text(search['behind']) === 'true' || undefined };
}

export const instancesRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'instances',
  validateSearch: readInstanceFilters,
  component: page(() => import('./InstancesPage'), 'InstancesPage'),
});
