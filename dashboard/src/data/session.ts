import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import { SESSION } from '../api/queries';
import type { Role } from '../api/schema';

const readSession = () => answered(api.GET('/api/v1/session'));

/** Who is signed in, and what kind of server this is. */
export function useSession() {
  return useQuery({ queryKey: SESSION, queryFn: readSession });
}

const ROLES: Role[] = ['viewer', 'editor', 'admin'];

/** Whether the person signed in may do what a role may. The server decides; this only spares a refusal. */
export function useMay(role: Role): boolean {
  const own = useSession().data?.session?.role;
  return own !== undefined && ROLES.indexOf(own) >= ROLES.indexOf(role);
}

/** Signs in with an api token, or in development mode with none. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token?: string) => answered(api.POST('/api/v1/session', { body: token ? { token } : {} })),
    onSuccess: (session) => client.setQueryData(SESSION, session),
  });
}

/** Signs out, and forgets all that was read. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answered(api.DELETE('/api/v1/session')),
    onSuccess: async () => {
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION[0] });
      await client.invalidateQueries({ queryKey: SESSION });
    },
  });
}
