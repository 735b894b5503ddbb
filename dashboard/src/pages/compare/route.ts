import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const compareRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'compare',
  component: lazyRouteComponent(() => import('./ComparePage'), 'ComparePage'),
});
