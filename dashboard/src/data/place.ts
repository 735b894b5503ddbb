import { useParams, useSearch } from '@tanstack/react-router';
import type { Environment } from '../api/schema';
import { useEnvironments } from './environments';

/** The project that the address names. */
export function useProject(): string {
  return useParams({ from: '/projects/$project', select: ({ project }) => project });
}

/**
 * The environment that the address names, the first one when it names none. Undefined until the environments are read, and
 * when there is none of that name: nobody is shown another than they asked for.
 */
export function useEnvironment(): Environment | undefined {
  const wanted = useWanted();
  const environments = useEnvironments(useProject()).data ?? [];
  return wanted === undefined ? environments[0] : environments.find(({ key }) => key === wanted);
}

/** The environment that the address names, when there is none of that name, or not for this person. */
export function useMissingEnvironment(): string | undefined {
  const wanted = useWanted();
  const environments = useEnvironments(useProject()).data;
  return environments?.every(({ key }) => key !== wanted) ? wanted : undefined;
}

const useWanted = () => useSearch({ from: '/projects/$project', select: ({ environment }) => environment });
