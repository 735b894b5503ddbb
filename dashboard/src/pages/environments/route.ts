import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const environmentsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'environments',
  component: lazyRouteComponent(() => import('./EnvironmentsPage'), 'EnvironmentsPage'),
});
