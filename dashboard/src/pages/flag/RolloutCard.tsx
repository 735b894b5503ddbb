import { Button, Group, NumberInput, Slider, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { fieldErrors } from '../../api/problem';
import type { Environment, FlagSettings } from '../../api/schema';
import { useExposures } from '../../data/exposures';
import { type SettingsPlace, useRollout } from '../../data/settings';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { FormProblems } from '../../parts/FormProblems';
import lines from '../../parts/Lines.module.css';
import { Reason } from '../../parts/Reason';
import classes from './Flag.module.css';
import { meaning, percent, percentage, shareOf } from './rollout';

interface RolloutCardProps {
  place: SettingsPlace;
  environment: Environment;
  settings: FlagSettings;
  may: boolean;
}

const USUAL = [10, 50, 100];

/** A product owner's control: so many percent, what that means, why, and save. */
export function RolloutCard({ place, environment, settings, may }: RolloutCardProps) {
  const before = shareOf(settings);
  const [share, setShare] = useState(before);
  const [reason, setReason] = useState('');
  const perDay = useExposures(place).data?.per_day;
  const rollout = useRollout(place);
  const changed = share !== before || (!settings.enabled && share > 0);
  const { fields, rest } = fieldErrors(rollout.error, { percentage: '/percentage', reason: '/reason' });
  const save = () =>
    rollout.mutate({
      body: { percentage: share, enabled: share > 0 ? true : settings.enabled, ...(reason && { reason }) },
      version: settings.version,
    });
  return (
    <section className={`${lines.card} ${classes.card}`} aria-labelledby="rollout-title">
      <Stack gap="md">
        <Group justify="space-between">
          <Title order={2} id="rollout-title">
            Rollout
          </Title>
          <EnvironmentName environment={environment} />
        </Group>
        <Text>
          Now <b>{percent(before)}</b>
          {!settings.enabled && ' (off)'}
        </Text>
        <FormProblems problems={rest} />
        <Group gap="xs">
          {USUAL.map((usual) => (
            <Button
              key={usual}
              variant={share === usual ? 'filled' : 'default'}
              aria-pressed={share === usual}
              disabled={!may}
              onClick={() => setShare(usual)}
            >
              {usual} %
            </Button>
          ))}
          <NumberInput
            aria-label="Percentage"
            w={120}
            min={0}
            max={100}
            step={1}
            decimalScale={3}
            suffix=" %"
            disabled={!may}
            value={share}
            onChange={(value) => setShare(percentage(Number(value) || 0))}
            error={fields.percentage}
          />
        </Group>
        <Slider
          thumbLabel="Percentage"
          min={0}
          max={100}
          step={1}
          label={percent}
          disabled={!may}
          value={share}
          onChange={(value) => setShare(percentage(value))}
        />
        <Text role="status" size="sm" c={changed ? undefined : 'dimmed'}>
          {meaning(before, share, perDay)}
        </Text>
        {changed && may && (
          <>
            <Reason value={reason} onChange={setReason} error={fields.reason} />
            <Group justify="flex-end">
              <Button variant="default" onClick={() => setShare(before)}>
                Leave it
              </Button>
              <Button onClick={save} loading={rollout.isPending} color={environment.protected ? 'ember.7' : undefined}>
                {`Save ${percent(share)} in ${environment.name}`}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </section>
  );
}
