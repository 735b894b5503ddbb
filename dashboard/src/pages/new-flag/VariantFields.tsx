import { ActionIcon, Button, Group, Input, Stack, Textarea, TextInput } from '@mantine/core';
import type { FlagType } from '../../api/schema';
import { IconClose, IconPlus } from '../../parts/icons';
import type { VariantText } from './form';

interface VariantFieldsProps {
  type: FlagType;
  variants: VariantText[];
  error: string | undefined;
  note?: string;
  change: (variants: VariantText[]) => void;
}

/** What the first variant may serve, and the others. */
const EXAMPLES: Record<FlagType, [first: string, other: string]> = {
  boolean: ['true', 'false'],
  string: ['Buy now', 'Buy'],
  number: ['20', '10'],
  object: ['{"colour": "red"}', '{"colour": "grey"}'],
};
const FEWEST = 2;

/** The variants of a flag with values of its own, in order. */
export function VariantFields({ type, variants, error, note, change }: VariantFieldsProps) {
  const set = (id: number, part: Partial<VariantText>) =>
    change(variants.map((variant) => (variant.id === id ? { ...variant, ...part } : variant)));
  const add = () => change([...variants, { id: Math.max(...variants.map(({ id }) => id)) + 1, key: '', value: '' }]);
  return (
    <Input.Wrapper
      label="Variants"
      description={note ?? 'Turned on, the flag serves the first; turned off, the last.'}
      labelElement="div"
      error={error}
      errorProps={{ role: 'alert' }}
    >
      <Stack gap="xs" mt={6}>
        {variants.map(({ id, key, value }, place) => (
          <Group key={id} gap="xs" wrap="nowrap" align="flex-start">
            <TextInput
              w={120}
              aria-label={`Variant ${place + 1}`}
              placeholder="Variant"
              required
              value={key}
              onChange={(event) => set(id, { key: event.currentTarget.value })}
            />
            <Textarea
              flex={1}
              autosize
              minRows={1}
              maxRows={8}
              aria-label={`Value of variant ${place + 1}`}
              placeholder={EXAMPLES[type][place === 0 ? 0 : 1]}
              value={value}
              onChange={(event) => set(id, { value: event.currentTarget.value })}
            />
            {variants.length > FEWEST && (
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={`Remove variant ${place + 1}`}
                onClick={() => change(variants.filter((variant) => variant.id !== id))}
              >
                <IconClose />
              </ActionIcon>
            )}
          </Group>
        ))}
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={add} style={{ alignSelf: 'flex-start' }}>
          Add a variant
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}
