import { Alert, AppShell, Burger, Group } from '@mantine/core';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { Suspense, useEffect, useRef } from 'react';
import { toneOf, useEnvironments } from '../data/environments';
import { useLive } from '../data/live';
import { useEnvironment, useMissingEnvironment, useProject } from '../data/place';
import { useConfined, useSession } from '../data/session';
import { Failure } from '../parts/Failure';
import { LinkNav } from '../parts/links';
import { Loading } from '../parts/Loading';
import { Page } from '../parts/Page';
import { DevelopmentBanner, OfflineBanner } from './Banners';
import { EnvironmentPicker } from './EnvironmentPicker';
import { Mark } from './Mark';
import { navigation, ofAll } from './navigation';
import { Person } from './PersonMenu';
import { ProjectPicker } from './ProjectPicker';
import { rememberProject } from './remembered';
import classes from './Shell.module.css';
import { ShortcutHelp } from './ShortcutHelp';
import { ThemeMenu } from './ThemeMenu';
import { useDrawer } from './useDrawer';

/** What opens in the header lies over the navigation, and below a dialog. */
const ABOVE = 150;

/** What stands around every page of a project. */
export function Shell() {
  const project = useProject();
  const environment = useEnvironment();
  const environments = useEnvironments(project);
  const burger = useRef<HTMLButtonElement>(null);
  const pages = useRef<HTMLDivElement>(null);
  const { open, toggle, close, away, over } = useDrawer(burger, pages);
  const confined = useConfined() !== undefined;
  const path = useLocation({ select: ({ pathname }) => pathname });
  useLive(project, useSession().data?.signed_in ?? false);
  const known = environments.isSuccess;
  useEffect(() => {
    if (known) rememberProject(project);
  }, [project, known]);
  useEffect(close, [path, close]);

  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 252, breakpoint: 'sm', collapsed: { mobile: !open } }} padding="md">
      <a className={classes.skip} href="#content">
        Skip to content
      </a>
      <AppShell.Header zIndex={ABOVE} className={classes.header} data-tone={environment && toneOf(environment)}>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger ref={burger} opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-expanded={open} aria-label={open ? 'Close navigation' : 'Open navigation'} />
          <Link to="/projects/$project/flags" params={{ project }} className={classes.home} aria-label="Hoist: all flags">
            <Mark />
          </Link>
          <Group gap={6} wrap="nowrap" className={classes.pickers}>
            <ProjectPicker project={project} />
            {known && <EnvironmentPicker project={project} environment={environment} />}
          </Group>
          <Group gap={4} wrap="nowrap" ml="auto" visibleFrom="sm">
            <Tools />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar ref={pages} p="xs" className={classes.navbar} aria-label="Pages" inert={away}>
        {navigation.filter(({ to }) => !confined || !ofAll.includes(to)).map(({ to, label, Icon }) => (
          <LinkNav
            key={to}
            to={to}
            params={{ project }}
            label={label}
            leftSection={<Icon />}
            className={classes.link}
            activeProps={{ 'data-active': true, 'aria-current': 'page' }}
          />
        ))}
        <Group gap={4} mt="auto" hiddenFrom="sm">
          <Tools />
        </Group>
      </AppShell.Navbar>
      <AppShell.Main className={classes.main} inert={over}>
        {!environments.error && <OfflineBanner />}
        <DevelopmentBanner />
        <NoEnvironment />
        <div id="content" tabIndex={-1}>
          {environments.error && !environments.data ? (
            <NoProject error={environments.error} again={() => void environments.refetch()} />
          ) : (
            <Suspense fallback={<Loading />}>
              <Outlet />
            </Suspense>
          )}
        </div>
      </AppShell.Main>
    </AppShell>
  );
}

/** The address names an environment that is not there, or that this person may not see. */
function NoEnvironment() {
  const missing = useMissingEnvironment();
  if (missing === undefined) return null;
  return (
    <Alert color="ember" variant="light" mb="md" role="alert" title={`There is no environment “${missing}” here`}>
      It was deleted, the address is mistyped, or you may not see it. Choose another at the top.
    </Alert>
  );
}

/** The address names a project that is not there, or that this person may not see. */
function NoProject({ error, again }: { error: Error; again: () => void }) {
  return (
    <Page title="No project">
      <Failure error={error} again={again} />
    </Page>
  );
}

function Tools() {
  const session = useSession().data?.session;
  return (
    <>
      <ShortcutHelp />
      <ThemeMenu />
      {session && <Person session={session} />}
    </>
  );
}
