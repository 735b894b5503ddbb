import { Empty } from '../../parts/Empty';
import { Page } from '../../parts/Page';

export function SegmentsPage() {
  return (
    <Page title="Segments">
      <Empty title="This page is being built" />
    </Page>
  );
}
