import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { text } from '../../search';

export const TABS = ['rollout', 'targeting', 'history', 'evaluations', 'playground', 'code'] as const;
export type Tab = (typeof TABS)[number];

export interface FlagSearch {
  /** What is looked at; the rollout when absent. */
  tab?: Tab | undefined;
}

export const flagRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags/$flag',
  validateSearch: (search: Record<string, unknown>): FlagSearch => {
    const tab = text(search['tab']);
    return { tab: TABS.find((known) => known === tab) };
  },
  component: page(() => import('./FlagPage'), 'FlagPage'),
});
