import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const instancesRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'instances',
  component: lazyRouteComponent(() => import('./InstancesPage'), 'InstancesPage'),
});
