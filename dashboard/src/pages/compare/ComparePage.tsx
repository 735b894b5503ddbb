import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function ComparePage() {
  return (
    <Page title="Compare">
      <Empty title="This page is being built" />
    </Page>
  );
}
