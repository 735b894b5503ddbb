import { useParams, useSearch } from '@tanstack/react-router';
import type { Environment } from '../api/schema';
import { useEnvironments } from './environments';

/** The project that the address names. */
export function useProject(): string {
  return useParams({ from: '/projects/$project', select: ({ project }) => project });
}

/** The environment that the address names, else the first one; undefined until the environments are read. */
export function useEnvironment(): Environment | undefined {
  const wanted = useSearch({ from: '/projects/$project', select: ({ environment }) => environment });
  const environments = useEnvironments(useProject()).data ?? [];
  return environments.find(({ key }) => key === wanted) ?? environments[0];
}
