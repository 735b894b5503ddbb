import { createRootRoute, createRoute, redirect, retainSearchParams } from '@tanstack/react-router';
import { ahead } from './data/ahead';
import { environmentsQuery } from './data/environments';
import { projectsQuery } from './data/projects';
import { NotHere, NothingHere } from './shell/NotHere';
import { PageFailure } from './shell/PageFailure';
import { Root } from './shell/Root';
import { Shell } from './shell/Shell';
import { text } from './search';
import { rememberedProject } from './shell/remembered';

export const rootRoute = createRootRoute({
  component: Root,
  notFoundComponent: NothingHere,
  errorComponent: PageFailure,
});

/** `/` leads to the flags of the project that was open last. */
export const frontRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/projects/$project/flags', params: { project: rememberedProject() } });
  },
});

export interface ProjectSearch {
  /** The environment that is looked at; kept from page to page. */
  environment?: string | undefined;
}

/** The parent of every page: it names the project, keeps the environment in the address, and draws the shell. */
export const projectRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/projects/$project',
  validateSearch: (search: Record<string, unknown>): ProjectSearch => ({ environment: text(search['environment']) }),
  search: { middlewares: [retainSearchParams(['environment'])] },
  loader: ({ params: { project } }) => {
    void ahead(projectsQuery);
    void ahead(environmentsQuery(project));
  },
  component: Shell,
  notFoundComponent: NotHere,
});
