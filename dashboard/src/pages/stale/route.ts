import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const staleRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'stale',
  component: lazyRouteComponent(() => import('./StalePage'), 'StalePage'),
});
