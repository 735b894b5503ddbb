import { ActionIcon, Button, Checkbox, Group, NativeSelect, Paper, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Condition, Operator } from '../api/schema';
import { conditionInWords, ignoresCase, OPERATORS, plainFault, readValues, valuesText } from './conditions';
import classes from './ConditionFields.module.css';
import { IconClose, IconPlus } from './icons';
import { useLead } from './lead';
import { same } from './rules';

/** What is wrong with a condition, by field. */
export interface ConditionFaults {
  attribute?: string | undefined;
  operator?: string | undefined;
  values?: string | undefined;
}

interface ConditionFieldsProps {
  conditions: Condition[];
  change: (conditions: Condition[]) => void;
  /** What is wrong with the condition at a place; a text alone speaks of its values. */
  errorAt?: (place: number) => string | ConditionFaults | undefined;
}

const FIRST: Condition = { attribute: '', operator: 'in', values: [] };

/** The editor of conditions, all of which must hold. */
export function ConditionFields({ conditions, change, errorAt }: ConditionFieldsProps) {
  // Rows are named by a count of their own, so that one that goes takes its own fields along.
  const [counted, setIds] = useState(() => conditions.map((_, place) => place));
  const ids = counted.length === conditions.length ? counted : conditions.map((_, place) => place);
  const [within, lead] = useLead<HTMLDivElement>();
  const put = (place: number, condition: Condition) => change(conditions.with(place, condition));
  const row = (at: number) => `[role=group]:nth-child(${at + 1}) input`;
  const remove = (place: number) => {
    setIds(ids.toSpliced(place, 1));
    change(conditions.toSpliced(place, 1));
    if (conditions.length === 1) lead('[data-add]');
    else lead(row(Math.min(place, conditions.length - 2)));
  };
  const add = () => {
    setIds([...ids, Math.max(-1, ...ids) + 1]);
    change([...conditions, FIRST]);
    lead(row(conditions.length));
  };
  return (
    <Stack gap="xs" ref={within}>
      {conditions.map((condition, place) => (
        <ConditionRow
          key={ids[place] ?? place}
          number={place + 1}
          condition={condition}
          change={(next) => put(place, next)}
          remove={() => remove(place)}
          faults={asFaults(errorAt?.(place), condition)}
        />
      ))}
      <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={add} className={classes.add} data-add>
        Add a condition
      </Button>
    </Stack>
  );
}

function asFaults(said: string | ConditionFaults | undefined, { operator }: Condition): ConditionFaults {
  if (typeof said !== 'string') return said ?? {};
  return operator === 'exists' ? { attribute: said } : { values: said };
}

interface ConditionRowProps {
  number: number;
  condition: Condition;
  change: (condition: Condition) => void;
  remove: () => void;
  faults: ConditionFaults;
}

function ConditionRow({ number, condition, change, remove, faults }: ConditionRowProps) {
  // What is typed is kept as it is; its values are read out of it.
  const [{ text, stands }, setTyped] = useState(() => ({ text: valuesText(condition.values), stands: condition.values }));
  const { attribute, operator, negate, ignore_case } = condition;
  // Values that were not typed here come from who else saved.
  if (stands !== condition.values) {
    const typed = operator === 'exists' || same(readValues(text, operator), condition.values ?? []);
    setTyped({ text: typed ? text : valuesText(condition.values), stands: condition.values });
  }
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
          error={said(faults.attribute)}
        />
        <NativeSelect
          aria-label="Operator"
          data={Object.entries(OPERATORS).map(([value, label]) => ({ value, label }))}
          value={operator}
          onChange={(event) => choose(event.currentTarget.value as Operator)}
          error={said(faults.operator)}
        />
        {operator !== 'exists' && (
          <TextInput
            className={classes.values}
            aria-label="Values"
            placeholder="NO, SE, DK"
            value={text}
            onChange={(event) => {
              const values = readValues(event.currentTarget.value, operator);
              setTyped({ text: event.currentTarget.value, stands: values });
              set({ values });
            }}
            spellCheck={false}
            error={said(faults.values)}
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
    </Paper>
  );
}

/** Told at once, and read again wherever the field is. */
function said(fault: string | undefined) {
  return fault && <span role="alert">{plainFault(fault)}</span>;
}
