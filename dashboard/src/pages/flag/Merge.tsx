import { Alert, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import type { FlagSettings, Settings } from '../../api/schema';
import { Changes } from '../../parts/Changes';
import { differences, mergedWith } from './difference';

interface MergeProps {
  opened: Settings;
  mine: Settings;
  theirs: Pick<FlagSettings, 'version' | 'changed_by'> & Settings;
  take: () => void;
  keep: (merged: Settings) => void;
  busy: boolean;
}

/** Two people changed the same settings: both changes side by side, and what becomes of them is said before it is done. */
export function Merge({ opened, mine, theirs, take, keep, busy }: MergeProps) {
  const own = differences(opened, mine);
  const other = differences(opened, theirs);
  const { merged, clashes } = mergedWith(theirs, own, other);
  return (
    <Alert color="ember" variant="light" role="alert" title={`Not saved: ${theirs.changed_by} saved version ${theirs.version} first`}>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <div>
            <Title order={3} size="h4">
              Theirs
            </Title>
            <Changes changes={other} />
          </div>
          <div>
            <Title order={3} size="h4">
              Yours
            </Title>
            <Changes changes={own} />
          </div>
        </SimpleGrid>
        <Text size="sm">
          {clashes.length === 0
            ? 'You changed different things: saving keeps both.'
            : `Both of you changed ${clashes.join(', ')}: saving puts yours over theirs there, and keeps the rest of theirs.`}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={take}>
            Take theirs
          </Button>
          <Button onClick={() => keep(merged)} loading={busy}>
            {clashes.length === 0 ? 'Save both' : 'Save mine over theirs'}
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
