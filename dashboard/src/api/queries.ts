import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ProblemError } from './problem';

/** These keys stand alone; every other key begins with a project: `[project, noun, …]`. */
export const SESSION = ['session'];
export const DOCUMENT = ['document'];

const MOST_TRIES = 3;

function onError(error: Error) {
  // Whatever was refused for want of a session: ask who is signed in, and the page follows.
  if (error instanceof ProblemError && error.signedOut) void queryClient.invalidateQueries({ queryKey: SESSION });
}

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      // What is shown is kept true by the event stream, so time alone makes nothing stale.
      staleTime: Infinity,
      networkMode: 'always',
      retry: (failures, error) =>
        failures < MOST_TRIES && error instanceof ProblemError && (error.offline || error.problem.status >= 500),
    },
    mutations: { networkMode: 'always', retry: false },
  },
});
