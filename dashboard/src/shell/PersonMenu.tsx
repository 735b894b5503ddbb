import { ActionIcon, Menu, Text } from '@mantine/core';
import type { SignedIn } from '../api/schema';
import { useSession, useSignOut } from '../data/session';
import { IconPerson } from '../parts/icons';
import { LinkMenuItem } from '../parts/links';

/** Who is signed in, and the way out. */
export function Person({ session }: { session: SignedIn }) {
  const signOut = useSignOut();
  const development = useSession().data?.mode === 'development';
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Signed in as ${session.name}`}>
          <IconPerson />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" c="var(--mantine-color-text)" fw={600}>
            {session.name}
          </Text>
          {session.role}
        </Menu.Label>
        <Menu.Divider />
        <LinkMenuItem to="/docs">API reference</LinkMenuItem>
        {/* A development server would sign the person in again at once. */}
        {!development && <Menu.Item onClick={() => signOut.mutate()}>Sign out</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
