import type { FetchQueryOptions, QueryKey } from '@tanstack/react-query';
import { queryClient } from '../api/queries';
import { sessionQuery } from './session';

/**
 * Asks for what a page will need while its code is still being read, as soon as it is known that somebody is signed in.
 * What fails is asked for again, and told, by the page.
 */
export async function ahead<Data, Key extends QueryKey>(query: FetchQueryOptions<Data, Error, Data, Key>) {
  const session = await queryClient.ensureQueryData(sessionQuery).catch(() => undefined);
  if (session?.signed_in) await queryClient.prefetchQuery(query);
}
