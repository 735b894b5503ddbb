import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { answered, api } from '../api/client';
import { SESSION } from '../api/queries';
import type { Role, SessionState } from '../api/schema';

/** Who is signed in, and what kind of server this is. Whose session has ended is still named: their page stands. */
export const sessionQuery = queryOptions({
  queryKey: SESSION,
  queryFn: async ({ client }): Promise<SessionState> => {
    const state = await entered(await answered(api.GET('/api/v1/session')));
    const { session = null } = client.getQueryData<SessionState>(SESSION) ?? {};
    return state.signed_in ? state : { ...state, session };
  },
});

/** A development server lets everyone on its machine in, so there it happens by itself. */
async function entered(state: SessionState): Promise<SessionState> {
  if (state.signed_in || state.mode !== 'development') return state;
  return signIn().catch(() => state);
}

const signIn = (token?: string) => answered(api.POST('/api/v1/session', { body: token ? { token } : {} }));

export function useSession() {
  return useQuery(sessionQuery);
}

/** Whether there is a session: without one nothing is asked again, since all of it would be refused. */
export const useSignedIn = (): boolean => useSession().data?.signed_in ?? false;

const ROLES: Role[] = ['viewer', 'editor', 'admin'];

/** Whether the person signed in may do what a role may. The server decides; this only spares a refusal. */
export function useMay(role: Role): boolean {
  const own = useSession().data?.session?.role;
  return own !== undefined && ROLES.indexOf(own) >= ROLES.indexOf(role);
}

/** The same for what all environments share: a token for one of them may not. */
export function useMayShared(role: Role): boolean {
  const may = useMay(role);
  return useConfined() === undefined && may;
}

/** The one environment that the person signed in may see; undefined when there is no such bound. */
export function useConfined(): string | undefined {
  return useSession().data?.session?.environment ?? undefined;
}

/** Signs in with an api token. */
export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => signIn(token),
    onSuccess: (session) => client.setQueryData(SESSION, session),
  });
}

/** Signs out, and forgets all that was read: a page that is loaded anew knows nothing. */
export function useSignOut() {
  return useMutation({
    mutationFn: () => answered(api.DELETE('/api/v1/session')),
    onSuccess: () => window.location.reload(),
  });
}
