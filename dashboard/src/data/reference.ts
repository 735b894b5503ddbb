import { useQuery } from '@tanstack/react-query';
import { answered } from '../api/client';
import type { OpenApi } from '../api/openapi';
import { DOCUMENT } from '../api/queries';

/** The API as the server describes it. */
export function useDocument() {
  const readDocument = () =>
    answered(fetch('/openapi.json').then(async (response) => ({ data: (await response.json()) as OpenApi, response })));
  return useQuery({ queryKey: DOCUMENT, queryFn: readDocument });
}
