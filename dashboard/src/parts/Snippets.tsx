import { Alert, Button, Group, Stack, Tabs, Text } from '@mantine/core';
import { useState } from 'react';
import type { Environment, Flag } from '../api/schema';
import { useMayShared, useSession } from '../data/session';
import { useCreateToken } from '../data/tokens';
import { Code } from './Code';
import { EnvironmentName } from './EnvironmentName';
import { snippets } from './snippets';

interface SnippetsProps {
  project: string;
  environment: Environment;
  flag: Flag;
}

/** Known to every development server, for its project and environment of the same names. */
const WELL_KNOWN = { project: 'default', environment: 'development', key: 'hoist_sdk_development' };

/** How a flag is read, ready to paste: with this server's address and a key of the environment. */
export function Snippets({ project, environment, flag }: SnippetsProps) {
  const session = useSession().data;
  const create = useCreateToken(project);
  // A key that was made for one environment must not stand in the snippet for another.
  const [made, setMade] = useState<{ environment: string; key: string }>();
  const wellKnown =
    session?.mode === 'development' && project === WELL_KNOWN.project && environment.key === WELL_KNOWN.environment;
  const own = made?.environment === environment.key ? made.key : undefined;
  const key = own ?? (wellKnown ? WELL_KNOWN.key : undefined);
  const make = () =>
    create.mutate(
      { name: `${flag.key}-${environment.key}`, kind: 'sdk', environment: environment.key },
      { onSuccess: ({ token }) => setMade({ environment: environment.key, key: token }) },
    );
  const shown = snippets({
    url: session?.url ?? window.location.origin,
    key: key ?? 'YOUR_SDK_KEY',
    flag: flag.key,
    type: flag.type,
    whole: Object.values(flag.variants).every(Number.isInteger),
  });

  return (
    <Stack gap="sm">
      <Group gap="sm" justify="space-between">
        <Group gap={6} fz="sm">
          For <EnvironmentName environment={environment} />
        </Group>
        {!key && <MakeKey make={make} busy={create.isPending} />}
      </Group>
      {own && (
        <Alert color="leaf" variant="light" title="This key is shown here only once">
          Copy a snippet now, or keep the key: <b>{own}</b>
        </Alert>
      )}
      {create.error && <Alert color="ember" variant="light" title="No key was made" role="alert">{create.error.message}</Alert>}
      <Tabs defaultValue="Rust" keepMounted={false}>
        <Tabs.List>
          {shown.map(({ language }) => (
            <Tabs.Tab key={language} value={language}>
              {language}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {shown.map(({ language, install, code }) => (
          <Tabs.Panel key={language} value={language} pt="sm">
            <Text size="sm" c="dimmed" mb={6}>
              {install}
            </Text>
            <Code text={code} label={`${language} snippet`} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  );
}

function MakeKey({ make, busy }: { make: () => void; busy: boolean }) {
  if (!useMayShared('admin')) return <Text size="sm" c="dimmed">Put an SDK key of this environment in its place.</Text>;
  return (
    <Button size="xs" variant="default" onClick={make} loading={busy}>
      Make an SDK key for it
    </Button>
  );
}
