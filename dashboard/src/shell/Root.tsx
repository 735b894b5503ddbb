import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useSession } from '../data/session';
import { Failure } from '../parts/Failure';
import { Loading } from '../parts/Loading';

const SignIn = lazy(() => import('./SignIn').then(({ SignIn }) => ({ default: SignIn })));

/** Nothing is shown to nobody: whoever is not signed in gets the way in, at whatever address. */
export function Root() {
  const session = useSession();
  if (session.isPending) return <Loading />;
  if (!session.data) return <Failure error={session.error} again={() => void session.refetch()} />;
  return <Suspense fallback={<Loading />}>{session.data.signed_in ? <Outlet /> : <SignIn session={session.data} />}</Suspense>;
}
