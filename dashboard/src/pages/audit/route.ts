import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { projectRoute } from '../../routes';

export const auditRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'audit',
  component: lazyRouteComponent(() => import('./AuditPage'), 'AuditPage'),
});
