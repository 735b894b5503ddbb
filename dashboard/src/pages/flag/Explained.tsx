import { Button, Text, Title } from '@mantine/core';
import { useState } from 'react';
import type { Answer, FlagOverview } from '../../api/schema';
import { type Asked, useExplain } from '../../data/explain';
import type { SettingsPlace } from '../../data/settings';
import lines from '../../parts/Lines.module.css';
import { Loading } from '../../parts/Loading';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';
import classes from './Flag.module.css';
import { type Mark, REASONS, type SaidStep, stepsOf } from './steps';

interface ExplainedProps {
  answer: Answer;
  place: SettingsPlace;
  asked: Asked;
  flag: FlagOverview;
}

/** An answer, who made it so, and every step that led to it. */
export function Explained({ answer, place, asked, flag }: ExplainedProps) {
  const { value, variant, reason, revision, changed, error } = answer;
  if (error === 'FLAG_NOT_FOUND') return <NoFlag flag={flag} asked={asked} />;
  return (
    <section className={`${lines.card} ${classes.card}`} aria-label="The answer">
      <Title order={2} mb={4}>
        {JSON.stringify(value ?? null)}
      </Title>
      <Text>
        {variant ? `Variant ${variant}` : 'The default in the caller’s code'}, because {REASONS[reason] ?? reason}.
      </Text>
      <Text c="dimmed" mb="sm">
        As of revision {revision}
        {changed && (
          <>
            ; its last change is revision {changed.revision}, by <Person actor={changed.by} /> <Time at={changed.at} />
            {changed.reason && ` (“${changed.reason}”)`}
          </>
        )}
      </Text>
      <Steps steps={stepsOf(answer)} place={place} asked={{ ...asked, at: revision }} />
    </section>
  );
}

function NoFlag({ flag, asked: { at } }: Pick<ExplainedProps, 'flag' | 'asked'>) {
  const before = typeof at === 'string' && new Date(at) < new Date(flag.created_at);
  return (
    <section className={`${lines.card} ${classes.card}`} aria-label="The answer">
      <Title order={2} mb={4}>
        {at === undefined ? 'It is served to nobody' : 'There was no such flag then'}
      </Title>
      <Text>
        {before && (
          <>
            {flag.key} was made <Time at={flag.created_at} />.{' '}
          </>
        )}
        {!before && flag.archived_at && (
          <>
            {flag.key} was archived <Time at={flag.archived_at} />.{' '}
          </>
        )}
        Code that asks for it gets its own default.
      </Text>
    </section>
  );
}

interface StepsProps {
  steps: SaidStep[];
  place: SettingsPlace;
  /** The same context at the same revision, for the flags that these steps depend on. */
  asked: Asked;
}

const MARKS: Record<Mark, string> = { serves: '✓ Serves', holds: '✓ Holds', passed: '– Passed over', fails: '✗ Fails' };

function Steps({ steps, place, asked }: StepsProps) {
  return (
    <ol className={classes.steps}>
      {steps.map(({ title, mark, lines, because }, at) => (
        // The steps are those of one answer, and never move.
        // oxlint-disable-next-line react/no-array-index-key
        <li key={at} className={classes.step}>
          <span className={classes.mark} data-mark={mark}>
            {MARKS[mark]}
          </span>
          <div>
            <Text fw={600}>{title}</Text>
            {lines.map((line) => (
              <Text key={line} size="sm">
                {line}
              </Text>
            ))}
            {because && <Because place={{ ...place, flag: because }} asked={asked} shown={mark === 'fails'} />}
          </div>
        </li>
      ))}
    </ol>
  );
}

interface BecauseProps {
  place: SettingsPlace;
  asked: Asked;
  /** Whether it is shown before anybody asks: what failed is what one looks for. */
  shown: boolean;
}

/** The steps of a flag that another depends on. */
function Because({ place, asked, shown }: BecauseProps) {
  const [open, setOpen] = useState(shown);
  const { data, error } = useExplain(place, open ? asked : undefined);
  if (!open) {
    return (
      <Button size="compact-xs" variant="default" mt={4} onClick={() => setOpen(true)}>
        Steps of {place.flag}
      </Button>
    );
  }
  if (error) return <Text size="sm">{error.message}</Text>;
  if (!data) return <Loading rows={1} />;
  if (data.error === 'FLAG_NOT_FOUND') return <Text size="sm">There is no flag {place.flag}, or it is archived.</Text>;
  return <Steps steps={stepsOf(data)} place={place} asked={asked} />;
}
