import { Alert } from '@mantine/core';
import { useLiveness } from '../data/live';
import { useSession } from '../data/session';
import classes from './Banners.module.css';

/** A development server lets everyone on its machine in, and says so. */
export function DevelopmentBanner() {
  if (useSession().data?.mode !== 'development') return null;
  return (
    <p className={classes.banner}>
      Development mode: everyone on this machine is signed in as administrator.
    </p>
  );
}

/** The server is away: what is seen stays, and is followed again by itself. */
export function OfflineBanner() {
  if (useLiveness() !== 'reconnecting') return null;
  return (
    <Alert color="ember" variant="light" mb="md" role="status" title="The server cannot be reached">
      What you see may be out of date. The page reconnects by itself.
    </Alert>
  );
}
