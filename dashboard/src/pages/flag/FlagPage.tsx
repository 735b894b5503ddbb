import { Badge, Button, Group, Tabs, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Suspense, useEffect, useRef, useState } from 'react';
import { ProblemError } from '../../api/problem';
import type { Environment, FlagOverview } from '../../api/schema';
import { part } from '../../chunks';
import { useFlag } from '../../data/flags';
import { useEnvironment, useMissingEnvironment, useProject } from '../../data/place';
import { useMayShared } from '../../data/session';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import { Snippets } from '../../parts/Snippets';
import { Time } from '../../parts/Time';
import { PURPOSES } from '../flags/filters';
import { Archive, Archived } from './Archived';
import classes from './Flag.module.css';
import { type Tab, TABS } from './route';
import { StateLine } from './StateLine';

const DetailsDialog = part(() => import('./DetailsDialog'), 'DetailsDialog');
const History = part(() => import('./History'), 'History');
const Evaluations = part(() => import('./Evaluations'), 'Evaluations');
const Playground = part(() => import('./Playground'), 'Playground');
const RolloutTab = part(() => import('./RolloutTab'), 'RolloutTab');
const Targeting = part(() => import('./Targeting'), 'Targeting');

const NAMES: Record<Tab, string> = {
  rollout: 'Rollout',
  targeting: 'Targeting',
  history: 'History',
  evaluations: 'Evaluations',
  playground: 'Playground',
  code: 'Use it in code',
};

/** A flag: how it stands everywhere, and what can be done about it in the environment that is looked at. */
export function FlagPage() {
  const project = useProject();
  const key = useParams({ from: '/projects/$project/flags/$flag', select: ({ flag }) => flag });
  const { data: known, error, isPending, refetch } = useFlag(project, key);
  // What somebody deleted is not shown as what it was.
  const flag = error instanceof ProblemError && error.missing ? undefined : known;
  return (
    <Page
      title={key}
      lead={flag && <StateLine project={project} flag={flag} />}
      actions={
        flag && (
          <Group gap="xs">
            <EditDetails project={project} flag={flag} />
            <Archive key={flag.archived_at} project={project} flag={flag} />
          </Group>
        )
      }
    >
      {isPending && <Loading rows={6} />}
      {error && !flag && <Failure error={error} again={() => void refetch()} />}
      {flag && <About project={project} flag={flag} />}
      {flag && <Work project={project} flag={flag} />}
    </Page>
  );
}

/** What all environments share is changed in a dialog, by who may; an archived flag is restored first. */
function EditDetails({ project, flag }: { project: string; flag: FlagOverview }) {
  const [open, setOpen] = useState(false);
  const [saved, setSaved] = useState(false);
  const may = useMayShared('editor');
  if (!may || flag.archived_at) return null;
  const close = () => setOpen(false);
  return (
    <>
      <Text span size="sm" c="var(--hoist-on)" role="status" pos={saved ? undefined : 'absolute'}>
        {saved && 'Saved'}
      </Text>
      <Button
        variant="default"
        onClick={() => {
          setSaved(false);
          setOpen(true);
        }}
      >
        Edit details
      </Button>
      {open && (
        <Suspense>
          <DetailsDialog
            project={project}
            flag={flag}
            close={close}
            saved={() => {
              setSaved(true);
              close();
            }}
          />
        </Suspense>
      )}
    </>
  );
}

function About({ project, flag }: { project: string; flag: FlagOverview }) {
  return (
    <>
      {/* A dialog of one state does not outlive it. */}
      <Archived key={flag.archived_at} project={project} flag={flag} />
      <Group gap="xs" mb="md">
        {flag.name !== flag.key && <Text fw={600} miw={0} style={{ overflowWrap: 'anywhere' }}>{flag.name}</Text>}
        <Badge variant="default" tt="none">{PURPOSES[flag.purpose]}</Badge>
        <Text size="sm">
          Owner <b>{flag.owner}</b>
        </Text>
        {flag.expires_at && (
          <Text size="sm" c="dimmed">
            should be gone <Time at={flag.expires_at} />
          </Text>
        )}
        {flag.tags.map((tag) => (
          <Text key={tag} size="sm" c="dimmed">
            #{tag}
          </Text>
        ))}
      </Group>
      {flag.description && (
        <Text mb="md" maw={760}>
          {flag.description}
        </Text>
      )}
    </>
  );
}

function Work({ project, flag }: { project: string; flag: FlagOverview }) {
  const environment = useEnvironment();
  const missing = useMissingEnvironment();
  const { tab = 'rollout' } = useSearch({ from: '/projects/$project/flags/$flag' });
  const navigate = useNavigate({ from: '/projects/$project/flags/$flag' });
  const show = (tab: string | null) =>
    void navigate({ to: '.', search: (before) => ({ ...before, tab: tab === 'rollout' ? undefined : (tab as Tab) }) });
  const list = useRef<HTMLDivElement>(null);
  // In a narrow window the tabs are a line that moves sideways.
  useEffect(() => showChosen(list.current));
  // The page says so already; there is nothing to show or to press.
  if (missing !== undefined) return null;
  if (!environment) return <Loading />;
  const place = { project, environment: environment.key, flag: flag.key };
  return (
    <Tabs value={tab} onChange={show} keepMounted={false}>
      <Tabs.List ref={list} mb="md" className={classes.tabs} aria-label="What to look at">
        {TABS.map((name) => (
          <Tabs.Tab key={name} value={name}>
            {NAMES[name]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {TABS.map((name) => (
        <Tabs.Panel key={name} value={name}>
          <Suspense fallback={<Loading />}>
            <Content key={`${flag.key} ${environment.key}`} tab={name} place={place} flag={flag} environment={environment} />
          </Suspense>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

/** Moves a line of tabs until the chosen one is in the middle of it, as far as that goes. */
function showChosen(list: HTMLElement | null) {
  const chosen = list?.querySelector<HTMLElement>('[aria-selected="true"]');
  if (list && chosen) list.scrollLeft = chosen.offsetLeft + chosen.offsetWidth / 2 - list.clientWidth / 2;
}

export interface ContentProps {
  place: { project: string; environment: string; flag: string };
  flag: FlagOverview;
  environment: Environment;
}

function Content({ tab, ...props }: ContentProps & { tab: Tab }) {
  switch (tab) {
    case 'rollout':
      return <RolloutTab {...props} />;
    case 'targeting':
      return <Targeting {...props} />;
    case 'history':
      return <History {...props} />;
    case 'evaluations':
      return <Evaluations {...props} />;
    case 'playground':
      return <Playground {...props} />;
    case 'code': {
      const { place, flag, environment } = props;
      return <Snippets project={place.project} environment={environment} flag={flag} />;
    }
  }
}
