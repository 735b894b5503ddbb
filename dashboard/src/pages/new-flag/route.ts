import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { text } from '../../search';

export const newFlagRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'new-flag',
  /** `made` is the flag that the form just made, so that its snippets survive a reload. */
  validateSearch: (search: Record<string, unknown>): { made?: string | undefined } => ({ made: text(search['made']) }),
  component: page(() => import('./NewFlagPage'), 'NewFlagPage'),
});
