import { ActionIcon, Button, Group, Input, NativeSelect, Stack, TextInput, Title } from '@mantine/core';
import { useOverview } from '../../data/flags';
import { IconClose, IconPlus } from '../../parts/icons';
import { nextId, type PrerequisiteDraft } from './draft';
import type { Faults } from './faults';

interface PrerequisiteFieldsProps {
  project: string;
  flag: string;
  prerequisites: PrerequisiteDraft[];
  faults: Faults;
  change: (prerequisites: PrerequisiteDraft[]) => void;
}

/** Flags that must serve certain variants to the same user, or this one serves its off variant. */
export function PrerequisiteFields({ project, flag, prerequisites, faults, change }: PrerequisiteFieldsProps) {
  const others = (useOverview(project).data?.flags ?? []).map(({ key }) => key).filter((key) => key !== flag);
  const set = (id: number, part: Partial<PrerequisiteDraft>) =>
    change(prerequisites.map((it) => (it.id === id ? { ...it, ...part } : it)));
  if (others.length === 0 && prerequisites.length === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={2}>Prerequisites</Title>
      {prerequisites.map(({ id, flag, variants }, at) => (
        <Input.Wrapper key={id} error={faults.at(`/prerequisites/${at}`)} errorProps={{ role: 'alert' }}>
          <Group gap="xs">
            <NativeSelect
              aria-label={`Prerequisite ${at + 1}: flag`}
              data={[...new Set([flag, ...others])]}
              value={flag}
              onChange={(event) => set(id, { flag: event.currentTarget.value })}
            />
            <TextInput
              aria-label={`Prerequisite ${at + 1}: variants, with commas between`}
              value={variants.join(', ')}
              onChange={(event) => set(id, { variants: event.currentTarget.value.split(',').map((it) => it.trim()) })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={`Prerequisite ${at + 1}: remove`}
              onClick={() => change(prerequisites.filter((it) => it.id !== id))}
            >
              <IconClose />
            </ActionIcon>
          </Group>
        </Input.Wrapper>
      ))}
      {others[0] !== undefined && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          style={{ alignSelf: 'flex-start' }}
          onClick={() => change([...prerequisites, { id: nextId(), flag: others[0] ?? '', variants: ['on'] }])}
        >
          Add a prerequisite
        </Button>
      )}
    </Stack>
  );
}
