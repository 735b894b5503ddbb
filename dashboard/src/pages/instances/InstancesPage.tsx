import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function InstancesPage() {
  return (
    <Page title="Instances">
      <Empty title="This page is being built" />
    </Page>
  );
}
