import { Outlet, useLocation } from '@tanstack/react-router';
import { Suspense } from 'react';
import { part } from '../chunks';
import { useSession } from '../data/session';
import { Failure } from '../parts/Failure';
import { Loading } from '../parts/Loading';

const SignIn = part(() => import('./SignIn'), 'SignIn');
const Ended = part(() => import('./Ended'), 'Ended');

/** What anyone may read. */
const OPEN = '/docs';

export function Root() {
  const open = useLocation({ select: ({ pathname }) => pathname === OPEN });
  if (!open) return <ForPersons />;
  return (
    <Suspense fallback={<Loading />}>
      <Outlet />
    </Suspense>
  );
}

/** Nothing is shown to nobody: whoever is not signed in gets the way in, at whatever address. */
function ForPersons() {
  const session = useSession();
  if (session.isPending) return <Loading />;
  if (!session.data) return <Failure error={session.error} again={() => void session.refetch()} />;
  if (!session.data.session) {
    return (
      <Suspense fallback={<Loading />}>
        <SignIn />
      </Suspense>
    );
  }
  return (
    <>
      <Suspense fallback={<Loading />}>
        <Outlet />
      </Suspense>
      <Suspense>{!session.data.signed_in && <Ended />}</Suspense>
    </>
  );
}
