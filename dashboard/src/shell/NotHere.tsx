import { Box } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Empty } from '../parts/Empty';
import { LinkButton } from '../parts/links';
import { Page } from '../parts/Page';
import { Mark } from './Mark';
import classes from './Shell.module.css';

/** An address in a project that leads nowhere. */
export function NotHere() {
  return (
    <Page title="Nothing here">
      <Empty title="There is nothing at this address" action={<LinkButton to="/">Go to the flags</LinkButton>}>
        It may be mistyped, or lead to something that was deleted.
      </Empty>
    </Page>
  );
}

/** The same where no project is named, so that there are no pages to go to. */
export function NothingHere() {
  return (
    <>
      <Box component="header" px="md" py="sm" className={classes.header}>
        <Link to="/" className={classes.home} aria-label="Hoist: all flags">
          <Mark />
        </Link>
      </Box>
      <Box component="main" p="md">
        <NotHere />
      </Box>
    </>
  );
}
