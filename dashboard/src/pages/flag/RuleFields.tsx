import { Button, Group, MultiSelect, Stack, Text, TextInput } from '@mantine/core';
import { memo } from 'react';
import { useSegments } from '../../data/segments';
import { ConditionFields } from '../../parts/ConditionFields';
import { DeliveryFields } from './DeliveryFields';
import type { DeliveryDraft, RuleDraft } from './draft';
import { conditionFaults, type Faults } from './faults';
import classes from './Flag.module.css';

interface RuleFieldsProps {
  project: string;
  rule: RuleDraft;
  at: number;
  last: number;
  variants: string[];
  before: DeliveryDraft['weights'] | undefined;
  faults: Faults;
  edit: RuleEdits;
}

/** What can be done with rules, each named by its id. */
export interface RuleEdits {
  change: (rule: RuleDraft) => void;
  remove: (id: number) => void;
  move: (id: number, by: number) => void;
}

/** One rule: its conditions, and what it serves. Of a hundred rules only the one that is typed in is drawn again. */
export const RuleFields = memo(function RuleFields({ project, rule, at, last, variants, before, faults, edit }: RuleFieldsProps) {
  const segments = (useSegments(project).data ?? []).map(({ key }) => key);
  const name = `Rule ${at + 1}`;
  const pointer = `/rules/${at}`;
  const set = (part: Partial<RuleDraft>) => edit.change({ ...rule, ...part });
  const own = faults.at(`${pointer}/name`);
  return (
    <section className={classes.rule} aria-label={name} data-rule={rule.id}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-end" gap="xs">
          <TextInput
            label={name}
            placeholder="What people call it"
            value={rule.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            error={own}
          />
          <Group gap="xs">
            <Button size="xs" variant="default" disabled={at === 0} data-move="up" onClick={() => edit.move(rule.id, -1)} aria-label={`${name}: move up`}>
              Up
            </Button>
            <Button size="xs" variant="default" disabled={at === last} data-move="down" onClick={() => edit.move(rule.id, 1)} aria-label={`${name}: move down`}>
              Down
            </Button>
            <Button size="xs" variant="default" onClick={() => edit.remove(rule.id)} aria-label={`${name}: remove`}>
              Remove
            </Button>
          </Group>
        </Group>
        {(segments.length > 0 || rule.segments.length > 0) && (
          <MultiSelect
            label="In all these segments"
            aria-label={`${name}: segments`}
            data={[...new Set([...segments, ...rule.segments])]}
            value={rule.segments}
            onChange={(segments) => set({ segments })}
            error={faults.at(`${pointer}/segments`)}
            searchable
          />
        )}
        {rule.conditions.length === 0 && rule.segments.length === 0 && (
          <Text size="sm" c="dimmed">
            No condition: it applies to everyone.
          </Text>
        )}
        <ConditionFields
          conditions={rule.conditions}
          change={(conditions) => set({ conditions })}
          errorAt={(place) => conditionFaults(faults, `${pointer}/conditions/${place}`)}
        />
        <DeliveryFields
          name={name}
          pointer={pointer}
          delivery={rule}
          variants={variants}
          before={before}
          faults={faults}
          change={edit.change}
        />
      </Stack>
    </section>
  );
});
