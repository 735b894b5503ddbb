import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { text } from '../../search';

/** Which two environments are compared; without them, the last one with the one before it. */
export interface Pair {
  from?: string | undefined;
  to?: string | undefined;
}

export const readPair = (search: Record<string, unknown>): Pair => ({ from: text(search['from']), to: text(search['to']) });

export const compareRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'compare',
  validateSearch: readPair,
  component: page(() => import('./ComparePage'), 'ComparePage'),
});
