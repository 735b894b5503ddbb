import { Text } from '@mantine/core';
import { useLiveness } from '../data/live';
import { Loading } from '../parts/Loading';
import { Page } from '../parts/Page';

/** A page whose code is being read; without a server it waits, and says so. */
export function Opening() {
  if (useLiveness() !== 'reconnecting') return <Loading />;
  return (
    <Page title="Waiting for the server">
      <Text role="status">This page opens by itself as soon as the server can be reached.</Text>
    </Page>
  );
}
