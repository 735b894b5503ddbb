import { createRoute } from '@tanstack/react-router';
import { page } from '../../chunks';
import { projectRoute } from '../../routes';
import { text } from '../../search';

export const TABS = ['rollout', 'targeting', 'history', 'evaluations', 'playground', 'code'] as const;
export type Tab = (typeof TABS)[number];

export interface FlagSearch {
  /** What is looked at; the rollout when absent. */
  tab?: Tab | undefined;
  /** Of the playground: the targeting key, the other attributes as JSON, and an instant. They tell whoever gets the link. */
  user?: string | undefined;
  attributes?: string | undefined;
  at?: string | undefined;
}

export const flagRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: 'flags/$flag',
  validateSearch: (search: Record<string, unknown>): FlagSearch => {
    const tab = text(search['tab']);
    const of = (name: string) => text(search[name]);
    return { tab: TABS.find((known) => known === tab), user: of('user'), attributes: of('attributes'), at: of('at') };
  },
  component: page(() => import('./FlagPage'), 'FlagPage'),
});
