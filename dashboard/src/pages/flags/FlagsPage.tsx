import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function FlagsPage() {
  return (
    <Page title="Flags">
      <Empty title="This page is being built" />
    </Page>
  );
}
