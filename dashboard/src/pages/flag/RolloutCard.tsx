import { Alert, Button, Group, Slider, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef, useState } from 'react';
import { fieldErrors, ProblemError } from '../../api/problem';
import type { Environment, FlagSettings, FlagType } from '../../api/schema';
import { useExposures } from '../../data/exposures';
import { type SettingsPlace, useRollout } from '../../data/settings';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { useFocusAfter } from '../../parts/focus';
import { FormProblems } from '../../parts/FormProblems';
import lines from '../../parts/Lines.module.css';
import { PercentField } from '../../parts/PercentField';
import { Person } from '../../parts/Person';
import { Reason } from '../../parts/Reason';
import { useUnsaved } from '../../parts/Unsaved';
import { percent } from '../../parts/words';
import classes from './Flag.module.css';
import { meaning, percentage, served, shareOf } from './rollout';

interface RolloutCardProps {
  place: SettingsPlace;
  environment: Environment;
  settings: FlagSettings;
  type: FlagType;
  may: boolean;
}

const USUAL = [10, 50, 100];

/** What is chosen is said aloud once it has stood for so long, not at every step of the slider. */
const SETTLED_MS = 700;

/** What somebody chose and has not saved. */
interface Choice {
  /** Not a number while the field has none. */
  share: number;
  /** The version that stood when it was chosen: a newer one is somebody else's. */
  version: number;
}

/** A product owner's control: so many percent, what that means, why, and save. */
export function RolloutCard({ place, environment, settings, type, may }: RolloutCardProps) {
  const before = shareOf(settings);
  const [choice, setChoice] = useState<Choice>();
  const [reason, setReason] = useState('');
  const [saved, setSaved] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const card = useRef<HTMLElement>(null);
  const perDay = useExposures(place).data?.per_day;
  const rollout = useRollout(place);
  const share = choice?.share ?? before;
  const changed = choice !== undefined && !Object.is(share, before);
  const theirs = choice !== undefined && settings.version !== choice.version;
  const again = theirs && !settings.enabled && share > 0;
  const readable = !Number.isNaN(share);
  // What it said is one click away when it is turned on again.
  const kept = settings.default.rollout ?? 100;
  const offered = settings.enabled || USUAL.includes(kept) ? USUAL : [...USUAL, kept].toSorted((a, b) => a - b);
  const { question } = useUnsaved(changed && !rollout.isPending, () => undefined, { perEnvironment: true });
  const preview = readable ? meaning(before, share, perDay, settings, type) : 'Type how many percent are to get it.';
  const [settled] = useDebouncedValue(changed ? preview : '', SETTLED_MS);
  const locked = !may || rollout.isPending;
  useFocusAfter(rollout.isPending, card);
  const outdated = rollout.error instanceof ProblemError && rollout.error.outdated;
  const { fields, rest } = fieldErrors(outdated ? null : rollout.error, { percentage: '/percentage', reason: '/reason' });
  const choose = (share: number) => {
    setSaved(false);
    setChoice({ share, version: choice?.version ?? settings.version });
  };
  const leave = () => {
    setChoice(undefined);
    setReason('');
    rollout.reset();
    heading.current?.focus();
  };
  const save = () =>
    rollout.mutate(
      {
        body: { percentage: share, enabled: share > 0 ? true : settings.enabled, ...(reason && { reason }) },
        version: settings.version,
      },
      { onSuccess: () => { leave(); setSaved(true); } },
    );
  return (
    <section ref={card} className={`${lines.card} ${classes.card}`} aria-labelledby="rollout-title">
      <Stack gap="md">
        <Group justify="space-between">
          <Title order={2} id="rollout-title" ref={heading} tabIndex={-1}>
            Rollout
          </Title>
          <EnvironmentName environment={environment} />
        </Group>
        <Text role="status">
          Now <b>{percent(before)}</b>
          {served(type, settings)}
          {!settings.enabled && ` (off; ${percent(kept)} once it is on)`}
          {saved && <Text span c="var(--hoist-on)"> · saved</Text>}
        </Text>
        {changed && (outdated || theirs) && (
          <Alert
            color="ember"
            variant="light"
            role="alert"
            tabIndex={-1}
            title={outdated ? 'Not saved: somebody else was first' : 'Somebody else saved meanwhile'}
          >
            {theirs && (
              <>
                <Person first actor={settings.changed_by} />{' '}
                {settings.enabled
                  ? `has made it ${percent(before)}. What you chose would go on from there.`
                  : `has turned it off.${again ? ' What you chose would turn it on again.' : ''}`}
              </>
            )}
          </Alert>
        )}
        <FormProblems problems={rest} />
        <Group gap="xs" align="flex-start">
          {offered.map((usual) => (
            <Button
              key={usual}
              variant={share === usual ? 'filled' : 'default'}
              aria-pressed={share === usual}
              disabled={locked}
              onClick={() => choose(usual)}
            >
              {percent(usual)}
            </Button>
          ))}
          <PercentField aria-label="Percentage" w={110} disabled={locked} value={share} onChange={choose} error={fields.percentage} />
        </Group>
        <Slider
          thumbLabel="Percentage"
          thumbValueText={percent}
          min={0}
          max={100}
          step={1}
          label={percent}
          disabled={locked}
          value={readable ? share : before}
          onChange={(value) => choose(percentage(value))}
        />
        <Text size="sm" c={changed ? undefined : 'dimmed'} data-preview>
          {preview}
        </Text>
        <VisuallyHidden role="status">{settled}</VisuallyHidden>
        {changed && may && (
          <>
            <Reason value={reason} onChange={setReason} error={fields.reason} />
            <Group justify="flex-end">
              <Button variant="default" onClick={leave} disabled={locked}>
                Leave it
              </Button>
              <Button data-acts onClick={save} loading={rollout.isPending} disabled={!readable} color={environment.protected ? 'ember.7' : undefined}>
                {readable ? `${again ? 'Turn on again with' : 'Save'} ${percent(share)} in ${environment.name}` : 'Save'}
              </Button>
            </Group>
          </>
        )}
      </Stack>
      {question}
    </section>
  );
}
