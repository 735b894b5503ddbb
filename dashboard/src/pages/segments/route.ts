import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { text } from '../../search';

export const segmentsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'segments',
  /** `segment` is the one that is open, so that its address can be passed on. */
  validateSearch: (search: Record<string, unknown>): { segment?: string | undefined } => ({ segment: text(search['segment']) }),
  component: page(() => import('./SegmentsPage'), 'SegmentsPage'),
});
