import { Alert, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import type { Segment } from '../../api/schema';
import { Lines } from '../../parts/Changes';
import { ClashChoice } from '../../parts/ClashChoice';
import type { Chosen } from '../../parts/clashes';
import { Person } from '../../parts/Person';
import { type Draft, draftOf } from './draft';
import { difference, merge } from './merge';

interface SegmentMergeProps {
  /** What both began with. */
  base: Segment;
  mine: Draft;
  theirs: Segment;
  /** Goes on with a form that begins with theirs. */
  put: (draft: Draft) => void;
}

/** Somebody else saved while this edit was open: what each of both changed, and a way to keep both. */
export function SegmentMerge({ base, mine, theirs, put }: SegmentMergeProps) {
  const [chosen, setChosen] = useState<Chosen>({});
  const [began, saved] = [draftOf(base), draftOf(theirs)];
  const { draft, clashes } = merge(began, mine, saved, chosen);
  const open = clashes.some(({ at }) => !chosen[at]);
  const who = <Person actor={theirs.changed_by} />;
  return (
    <Alert color="ember" variant="light" role="alert" title="Somebody else changed it meanwhile">
      <Stack gap="sm">
        <Text size="sm">
          {clashes.length === 0
            ? 'You changed different things, so that both can be kept.'
            : 'Where both of you changed the same, choose whose stands; the rest of both is kept.'}
        </Text>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <section aria-label="Theirs">
            <Title order={3} size="sm" mb={4}>
              What {who} changed
            </Title>
            <Lines lines={difference(began, saved)} />
          </section>
          <section aria-label="Yours">
            <Title order={3} size="sm" mb={4}>
              What you changed
            </Title>
            <Lines lines={difference(began, mine)} />
          </section>
        </SimpleGrid>
        {clashes.map((clash) => (
          <ClashChoice
            key={clash.at}
            clash={clash}
            value={chosen[clash.at]}
            choose={(whose) => setChosen((before) => ({ ...before, [clash.at]: whose }))}
          />
        ))}
        <Group gap="sm">
          <Button size="xs" disabled={open} onClick={() => put(draft)}>
            {clashes.length === 0 ? 'Keep both' : 'Keep what is chosen'}
          </Button>
          <Button size="xs" variant="default" onClick={() => put(saved)}>
            Take theirs
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
