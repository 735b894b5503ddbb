import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const flagsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags',
  component: lazyRouteComponent(() => import('./FlagsPage'), 'FlagsPage'),
});
