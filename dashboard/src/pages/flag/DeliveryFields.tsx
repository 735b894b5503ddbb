import { ActionIcon, Button, Group, Input, NativeSelect, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import type { Serve } from '../../api/schema';
import { IconClose, IconPlus } from '../../parts/icons';
import { type DeliveryDraft, movedShare } from './draft';
import type { Faults } from './faults';
import { percent } from './rollout';

interface DeliveryFieldsProps<Draft extends DeliveryDraft> {
  /** What it is called for who cannot see where it stands. */
  name: string;
  pointer: string;
  delivery: Draft;
  variants: string[];
  /** What was served before, if anything. */
  before: Serve | undefined;
  faults: Faults;
  change: (delivery: Draft) => void;
}

/** How many get it, and what: one variant, or a split of several. */
export function DeliveryFields<Draft extends DeliveryDraft>(props: DeliveryFieldsProps<Draft>) {
  const { name, pointer, delivery, variants, before, faults, change } = props;
  const set = (part: Partial<DeliveryDraft>) => change({ ...delivery, ...part });
  const { weights } = delivery;
  const setWeight = (at: number, part: Partial<(typeof weights)[number]>) =>
    set({ weights: weights.map((it, place) => (place === at ? { ...it, ...part } : it)) });
  const unused = variants.filter((variant) => weights.every((it) => it.variant !== variant));
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  const moves = movedShare(before, weights);
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-start">
        <NumberInput
          label="Rollout"
          aria-label={`${name}: rollout`}
          w={130}
          min={0}
          max={100}
          decimalScale={3}
          suffix=" %"
          value={delivery.rollout}
          onChange={(value) => set({ rollout: Number(value) || 0 })}
          error={faults.at(`${pointer}/rollout`)}
        />
        <TextInput
          label="Bucket by"
          aria-label={`${name}: bucket by`}
          placeholder="targetingKey"
          value={delivery.bucketBy}
          onChange={(event) => set({ bucketBy: event.currentTarget.value })}
          error={faults.at(`${pointer}/bucket_by`)}
        />
      </Group>
      <Input.Wrapper label="Serves" labelElement="div" error={faults.at(`${pointer}/serve`)}>
        <Stack gap="xs">
          {weights.map(({ variant, weight }, at) => (
            <Group key={variant} gap="xs">
              <NativeSelect
                aria-label={`${name}: variant ${at + 1}`}
                data={variants.filter((it) => it === variant || unused.includes(it))}
                value={variant}
                onChange={(event) => setWeight(at, { variant: event.currentTarget.value })}
              />
              {weights.length > 1 && (
                <>
                  <NumberInput
                    aria-label={`${name}: share of ${variant}`}
                    w={120}
                    min={0}
                    max={100}
                    decimalScale={3}
                    suffix=" %"
                    value={weight}
                    onChange={(value) => setWeight(at, { weight: Number(value) || 0 })}
                  />
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={`${name}: take ${variant} out`}
                    onClick={() => set({ weights: without(weights, at) })}
                  >
                    <IconClose />
                  </ActionIcon>
                </>
              )}
            </Group>
          ))}
        </Stack>
      </Input.Wrapper>
      <Group gap="sm">
        {unused[0] !== undefined && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => set({ weights: [...weights, { variant: unused[0] ?? '', weight: 0 }] })}
          >
            {weights.length > 1 ? 'Add a variant' : 'Split'}
          </Button>
        )}
        {weights.length > 1 && (
          <Text size="sm" role="status" c={total === 100 ? 'dimmed' : 'var(--mantine-color-error)'}>
            {total === 100 ? `${percent(moves)} of users move to another variant` : `The shares total ${percent(total)}, not 100 %`}
          </Text>
        )}
      </Group>
    </Stack>
  );
}

/** One that stays alone gets everybody. */
function without(weights: DeliveryDraft['weights'], at: number): DeliveryDraft['weights'] {
  const left = weights.toSpliced(at, 1);
  return left.length === 1 ? left.map((it) => ({ ...it, weight: 100 })) : left;
}
