import type { ErrorComponentProps } from '@tanstack/react-router';
import { Failure } from '../parts/Failure';

/** A page that broke, or whose code could not be read (the server was replaced by a newer one meanwhile). */
export function PageFailure({ error }: ErrorComponentProps) {
  return <Failure error={error} again={() => window.location.reload()} />;
}
