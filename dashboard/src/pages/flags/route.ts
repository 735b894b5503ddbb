import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';
import { readFilters } from './filters';

export const flagsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags',
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import('./FlagsPage'), 'FlagsPage'),
});
