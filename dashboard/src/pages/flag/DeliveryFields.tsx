import { ActionIcon, Button, Group, Input, NativeSelect, Stack, Text, TextInput, VisuallyHidden } from '@mantine/core';
import { IconClose, IconPlus } from '../../parts/icons';
import { useLead } from '../../parts/lead';
import { PercentField } from '../../parts/PercentField';
import { same } from '../../parts/rules';
import { percent } from '../../parts/words';
import { type DeliveryDraft, movedShare, totalOf } from './draft';
import type { Faults } from './faults';

interface DeliveryFieldsProps<Draft extends DeliveryDraft> {
  /** What it is called for who cannot see where it stands. */
  name: string;
  pointer: string;
  delivery: Draft;
  variants: string[];
  /** What was served before, if anything. */
  before: DeliveryDraft['weights'] | undefined;
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
  const total = totalOf(weights);
  const [within, lead] = useLead<HTMLDivElement>();
  const wrong = faults.at(`${pointer}/serve`);
  const said = total === 100 ? wrong : undefined;
  // It is shown once, below them all, and read at each of them.
  const described = wrong && <VisuallyHidden>{wrong}</VisuallyHidden>;
  return (
    <Stack gap="sm" ref={within}>
      <Group gap="sm" align="flex-start">
        <PercentField
          label="Rollout"
          aria-label={`${name}: rollout`}
          value={delivery.rollout}
          onChange={(rollout) => set({ rollout })}
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
      <Input.Wrapper label="Serves" labelElement="div" error={said}>
        <Stack gap="xs">
          {weights.map(({ variant, weight }, at) => (
            <Group key={variant} gap="xs">
              <NativeSelect
                aria-label={`${name}: variant ${at + 1}`}
                data={variants.filter((it) => it === variant || unused.includes(it))}
                value={variant}
                error={weights.length === 1 && described}
                onChange={(event) => setWeight(at, { variant: event.currentTarget.value })}
              />
              {weights.length > 1 && (
                <>
                  <PercentField
                    aria-label={`${name}: share of ${variant}`}
                    w={120}
                    value={weight}
                    error={described}
                    onChange={(weight) => setWeight(at, { weight })}
                  />
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={`${name}: take ${variant} out`}
                    onClick={() => {
                      set({ weights: without(weights, at) });
                      lead('select');
                    }}
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
            {!Number.isNaN(total) && total !== 100 && `The shares total ${percent(total)}, not 100 %`}
            {total === 100 && before && !same(before, weights) && `${percent(movedShare(before, weights))} of users move to another variant`}
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
