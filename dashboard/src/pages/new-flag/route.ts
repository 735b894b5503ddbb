import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const newFlagRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'new-flag',
  component: lazyRouteComponent(() => import('./NewFlagPage'), 'NewFlagPage'),
});
