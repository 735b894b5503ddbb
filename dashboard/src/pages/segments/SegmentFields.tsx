import { Input, SimpleGrid, Stack, Textarea, TextInput } from '@mantine/core';
import { ConditionFields } from '../../parts/ConditionFields';
import type { Draft, Field } from './draft';
import classes from './Segments.module.css';

interface SegmentFieldsProps {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
  /** Whether it is not made yet, so that its key can be chosen. */
  unmade: boolean;
  disabled: boolean;
  errors: Partial<Record<Field, string>>;
}

/** Who belongs to a segment, as it is typed. */
export function SegmentFields({ draft, set, unmade, disabled, errors }: SegmentFieldsProps) {
  const words = (name: 'key' | 'name' | 'description' | 'included' | 'excluded') => ({
    value: draft[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
    error: errors[name],
  });
  const keys = { description: 'Targeting keys, one a line', autosize: true, minRows: 2, maxRows: 8, spellCheck: false };
  return (
    <fieldset disabled={disabled} className={classes.fields}>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: unmade ? 2 : 1 }}>
          {unmade && <TextInput label="Key" placeholder="nordics" required spellCheck={false} {...words('key')} />}
          <TextInput label="Name" placeholder="As the key" {...words('name')} />
        </SimpleGrid>
        <Textarea label="Description" placeholder="Who belongs to it, in words" autosize minRows={1} maxRows={6} {...words('description')} />
        <Input.Wrapper
          label="Conditions"
          labelElement="div"
          description="Whoever meets all of them belongs to it; without any, only those named below."
          error={errors.conditions}
        >
          <div style={{ marginTop: 6 }}>
            <ConditionFields
              conditions={draft.conditions}
              change={(conditions) => set({ conditions })}
              errorAt={(place) => errors[`condition ${place}`]}
            />
          </div>
        </Input.Wrapper>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Textarea label="Always in" {...keys} {...words('included')} />
          <Textarea label="Never in" {...keys} {...words('excluded')} />
        </SimpleGrid>
      </Stack>
    </fieldset>
  );
}
