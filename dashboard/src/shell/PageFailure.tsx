import type { ErrorComponentProps } from '@tanstack/react-router';
import { Failure } from '../parts/Failure';
import { Page } from '../parts/Page';

/** A page that broke. What stands around it goes on. */
export function PageFailure({ error }: ErrorComponentProps) {
  return (
    <Page title="This page broke">
      <Failure error={error} again={() => window.location.reload()} />
    </Page>
  );
}
