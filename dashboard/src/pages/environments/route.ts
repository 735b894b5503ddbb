import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';

export const environmentsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'environments',
  component: page(() => import('./EnvironmentsPage'), 'EnvironmentsPage'),
});
