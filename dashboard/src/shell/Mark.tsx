import { Group, Text } from '@mantine/core';
import mark from './hoist.svg';

/** The product's mark with its name. */
export function Mark() {
  return (
    <Group gap={10} wrap="nowrap">
      <img src={mark} alt="" width={28} height={28} />
      <Text fw={700} size="lg">
        Hoist
      </Text>
    </Group>
  );
}
