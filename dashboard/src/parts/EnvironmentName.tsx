import { Group, Text } from '@mantine/core';
import type { Environment } from '../api/schema';
import { toneOf } from '../data/environments';
import classes from './EnvironmentName.module.css';

/** An environment's name in its colour; production stands out wherever it is named. */
export function EnvironmentName({ environment }: { environment: Pick<Environment, 'key' | 'name' | 'protected'> }) {
  return (
    <Group component="span" gap={8} wrap="nowrap" className={classes.name} data-tone={toneOf(environment)}>
      <span className={classes.dot} aria-hidden />
      <Text span inherit truncate>
        {environment.name || environment.key}
      </Text>
    </Group>
  );
}
