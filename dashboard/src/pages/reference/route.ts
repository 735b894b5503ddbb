import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { rootRoute } from '../../routes';

/** The API's reference: anyone may read it, so it stands beside the projects. */
export const referenceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/docs',
  component: page(() => import('./ReferencePage'), 'ReferencePage'),
});
