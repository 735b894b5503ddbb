import { Empty } from '../parts/Empty';
import { LinkButton } from '../parts/links';
import { Page } from '../parts/Page';

/** An address that leads nowhere. */
export function NotHere() {
  return (
    <Page title="Nothing here">
      <Empty
        title="There is nothing at this address"
        action={
<LinkButton to="/">Go to the flags</LinkButton>
        }
      >
        It may be mistyped, or lead to something that was deleted.
      </Empty>
    </Page>
  );
}
