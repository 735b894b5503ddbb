import { createRouter } from '@tanstack/react-router';
import { auditRoute } from './pages/audit/route';
import { compareRoute } from './pages/compare/route';
import { environmentsRoute } from './pages/environments/route';
import { flagRoute } from './pages/flag/route';
import { flagsRoute } from './pages/flags/route';
import { instancesRoute } from './pages/instances/route';
import { newFlagRoute } from './pages/new-flag/route';
import { referenceRoute } from './pages/reference/route';
import { segmentsRoute } from './pages/segments/route';
import { staleRoute } from './pages/stale/route';
import { frontRoute, projectRoute, rootRoute } from './routes';
import { Opening } from './shell/Opening';
import { PageFailure } from './shell/PageFailure';

const pages = [
  flagsRoute,
  newFlagRoute,
  flagRoute,
  segmentsRoute,
  environmentsRoute,
  instancesRoute,
  compareRoute,
  auditRoute,
  staleRoute,
] as const;

export const router = createRouter({
  routeTree: rootRoute.addChildren([frontRoute, referenceRoute, projectRoute.addChildren(pages)]),
  defaultPreload: 'intent',
  defaultPendingComponent: Opening,
  // What breaks on a page leaves the rest of it: the navigation is the way out.
  defaultErrorComponent: PageFailure,
  scrollRestoration: true,
  // Addresses are read by people: `?state=on`, not `?state=%22on%22`.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const entries = Object.entries(search).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
    return text && `?${text}`;
  },
});

/** Reads the code of all pages before they are opened. */
export const readPages = () => Promise.allSettled(pages.map((route) => router.loadRouteChunk(route)));

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
