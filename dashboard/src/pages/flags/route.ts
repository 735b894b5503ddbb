import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { readFilters } from './filters';

export const flagsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags',
  validateSearch: readFilters,
  component: page(() => import('./FlagsPage'), 'FlagsPage'),
});
