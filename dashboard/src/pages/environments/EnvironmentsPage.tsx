import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function EnvironmentsPage() {
  return (
    <Page title="Environments & keys">
      <Empty title="This page is being built" />
    </Page>
  );
}
