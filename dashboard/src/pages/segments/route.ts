import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const segmentsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'segments',
  component: lazyRouteComponent(() => import('./SegmentsPage'), 'SegmentsPage'),
});
