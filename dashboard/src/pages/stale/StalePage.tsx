import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function StalePage() {
  return (
    <Page title="Stale">
      <Empty title="This page is being built" />
    </Page>
  );
}
