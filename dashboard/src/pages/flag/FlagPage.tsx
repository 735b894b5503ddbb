import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function FlagPage() {
  return (
    <Page title="Flag">
      <Empty title="This page is being built" />
    </Page>
  );
}
