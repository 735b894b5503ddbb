import { createRoute } from '@tanstack/react-router';
import { ahead } from '../../data/ahead';
import { overviewQuery } from '../../data/flags';
import { projectRoute } from '../../routes';
import { readFilters } from './filters';
import { FlagsPage } from './FlagsPage';

export const flagsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags',
  validateSearch: readFilters,
  loaderDeps: ({ search: { state } }) => ({ archived: state === 'archived' }),
  loader: ({ params: { project }, deps: { archived } }) => void ahead(overviewQuery(project, archived)),
  // Where most people come in: its code comes with the first.
  component: FlagsPage,
});
