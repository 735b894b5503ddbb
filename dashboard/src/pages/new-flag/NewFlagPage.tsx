import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function NewFlagPage() {
  return (
    <Page title="New flag">
      <Empty title="This page is being built" />
    </Page>
  );
}
