import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const flagRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags/$flag',
  component: lazyRouteComponent(() => import('./FlagPage'), 'FlagPage'),
});
