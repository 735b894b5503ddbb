import { Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { Environment, FlagSettings } from '../../api/schema';
import { Lines } from '../../parts/Changes';
import { ClashChoice } from '../../parts/ClashChoice';
import type { Chosen } from '../../parts/clashes';
import { differences } from '../../parts/differences';
import lines from '../../parts/Lines.module.css';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { type Draft, settingsOf } from './draft';
import classes from './Flag.module.css';
import { merge } from './merge';

interface MergeProps {
  environment: Environment;
  /** What both began with. */
  base: Draft;
  mine: Draft;
  theirs: FlagSettings;
  reason: string;
  setReason: (reason: string) => void;
  back: () => void;
  take: () => void;
  keep: (merged: Draft) => void;
}

/** Two people changed the same settings: both changes side by side, and what becomes of them is said before it is done. */
export function Merge({ environment, base, mine, theirs, reason, setReason, back, take, keep }: MergeProps) {
  const [chosen, setChosen] = useState<Chosen>({});
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { draft, clashes } = merge(base, mine, theirs, chosen);
  const open = clashes.filter(({ at }) => !chosen[at]).length;
  const began = settingsOf(base);
  const becomes = differences(theirs, settingsOf(draft));
  const who = <Person actor={theirs.changed_by} />;
  return (
    <section className={`${lines.card} ${classes.card}`} aria-labelledby="merge">
      <Stack gap="md">
        <div>
          <Title order={2} id="merge" ref={heading} tabIndex={-1}>
            Not saved yet: {who} saved version {theirs.version} first
          </Title>
          <Text size="sm" c="dimmed">
            {clashes.length === 0
              ? 'You changed different things: saving keeps both.'
              : 'Where both of you changed the same, choose whose stands; the rest of both is kept.'}
          </Text>
        </div>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <section aria-label="Theirs">
            <Title order={3} size="sm" mb={4}>
              What {who} changed
            </Title>
            <Lines lines={differences(began, theirs)} />
          </section>
          <section aria-label="Yours">
            <Title order={3} size="sm" mb={4}>
              What you changed
            </Title>
            <Lines lines={differences(began, settingsOf(mine))} />
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
        {open === 0 && (
          <section aria-label="What saving changes">
            <Title order={3} size="sm" mb={4}>
              What saving changes in {environment.name || environment.key}
            </Title>
            {becomes.length === 0 ? <Text size="sm">Nothing: it says that already.</Text> : <Lines lines={becomes} />}
          </section>
        )}
        <Reason value={reason} onChange={setReason} />
        <Group justify="flex-end">
          {open > 0 && (
            <Text size="sm" c="dimmed" role="status">
              {open === 1 ? 'One choice is left.' : `${open} choices are left.`}
            </Text>
          )}
          <Button variant="default" onClick={back}>
            Back to editing
          </Button>
          <Button variant="default" onClick={take}>
            Take theirs
          </Button>
          <Button disabled={open > 0} onClick={() => keep(draft)} color={environment.protected ? 'ember.7' : undefined}>
            {clashes.length === 0 ? 'Save both' : 'Save the merge'}
          </Button>
        </Group>
      </Stack>
    </section>
  );
}
