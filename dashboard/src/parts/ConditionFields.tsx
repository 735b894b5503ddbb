import { ActionIcon, Button, Checkbox, Group, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Condition, Operator } from '../api/schema';
import { conditionInWords, ignoresCase, OPERATORS, readValues, valuesText } from './conditions';
import classes from './ConditionFields.module.css';
import { IconClose, IconPlus } from './icons';

interface ConditionFieldsProps {
  conditions: Condition[];
  change: (conditions: Condition[]) => void;
  /** What the server says about the condition at a place. */
  errorAt?: (place: number) => string | undefined;
}

const FIRST: Condition = { attribute: '', operator: 'in', values: [] };

/** The editor of conditions, all of which must hold. */
export function ConditionFields({ conditions, change, errorAt }: ConditionFieldsProps) {
  // Rows are named by a count of their own, so that one that goes takes its own fields along.
  const [ids, setIds] = useState(() => conditions.map((_, place) => place));
  const put = (place: number, condition: Condition) => change(conditions.with(place, condition));
  const remove = (place: number) => {
    setIds(ids.toSpliced(place, 1));
    change(conditions.toSpliced(place, 1));
  };
  const add = () => {
    setIds([...ids, Math.max(-1, ...ids) + 1]);
    change([...conditions, FIRST]);
  };
  return (
    <Stack gap="xs">
      {conditions.map((condition, place) => (
        <ConditionRow
          key={ids[place] ?? place}
          number={place + 1}
          condition={condition}
          change={(next) => put(place, next)}
          remove={() => remove(place)}
          error={errorAt?.(place)}
        />
      ))}
      <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={add} className={classes.add}>
        Add a condition
      </Button>
    </Stack>
  );
}

interface ConditionRowProps {
  number: number;
  condition: Condition;
  change: (condition: Condition) => void;
  remove: () => void;
  error: string | undefined;
}

function ConditionRow({ number, condition, change, remove, error }: ConditionRowProps) {
  // What is typed is kept as it is; its values are read out of it.
  const [text, setText] = useState(() => valuesText(condition.values));
  const { attribute, operator, negate, ignore_case } = condition;
  const set = (part: Partial<Condition>) => change({ ...condition, ...part });
  const choose = (operator: Operator) => {
    const cased = ignoresCase(operator) && ignore_case ? { ignore_case } : { ignore_case: undefined };
    set({ operator, values: operator === 'exists' ? [] : readValues(text, operator), ...cased });
  };
  return (
    <Paper withBorder p="xs" role="group" aria-label={`Condition ${number}`}>
      <div className={classes.row}>
        <TextInput
          aria-label="Attribute"
          placeholder="country"
          value={attribute}
          onChange={(event) => set({ attribute: event.currentTarget.value })}
          required
          spellCheck={false}
        />
        <NativeSelect
          aria-label="Operator"
          data={Object.entries(OPERATORS).map(([value, label]) => ({ value, label }))}
          value={operator}
          onChange={(event) => choose(event.currentTarget.value as Operator)}
        />
        {operator !== 'exists' && (
          <TextInput
            className={classes.values}
            aria-label="Values"
            placeholder="NO, SE, DK"
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              set({ values: readValues(event.currentTarget.value, operator) });
            }}
            spellCheck={false}
          />
        )}
        <ActionIcon variant="subtle" color="gray" size="lg" onClick={remove} aria-label={`Remove condition ${number}`} className={classes.remove}>
          <IconClose />
        </ActionIcon>
      </div>
      <Group gap="md" mt={8}>
        <Checkbox size="xs" label="Not" checked={negate ?? false} onChange={(event) => set({ negate: event.currentTarget.checked })} />
        {ignoresCase(operator) && (
          <Checkbox
            size="xs"
            label="In any case"
            checked={ignore_case ?? false}
            onChange={(event) => set({ ignore_case: event.currentTarget.checked })}
          />
        )}
        <Text size="xs" c="dimmed" className={classes.words}>
          {attribute && conditionInWords(condition)}
        </Text>
      </Group>
      {error && (
        <Text size="sm" c="var(--mantine-color-error)" mt={6} role="alert">
          {error}
        </Text>
      )}
    </Paper>
  );
}
