import { Alert, Button, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Answer } from '../../api/schema';
import { useExplain } from '../../data/explain';
import lines from '../../parts/Lines.module.css';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';
import type { ContentProps } from './FlagPage';
import classes from './Flag.module.css';
import { REASONS, stepsOf } from './steps';

/** A user in, the answer out, with every step that led to it; now or at some earlier moment. */
export function Playground({ place }: ContentProps) {
  const [user, setUser] = useState('user-1');
  const [attributes, setAttributes] = useState('{}');
  const [at, setAt] = useState('');
  const [unreadable, setUnreadable] = useState<string>();
  const explain = useExplain(place);
  const ask = (event: FormEvent) => {
    event.preventDefault();
    const read = attributesOf(attributes);
    setUnreadable(read.error);
    if (read.error !== undefined) return;
    const context = { ...read.attributes, ...(user && { targetingKey: user }) };
    explain.mutate({ context, ...(at && { at: new Date(at).toISOString() }) });
  };
  return (
    <Stack gap="md">
      <form onSubmit={ask}>
        <Stack gap="sm" maw={760}>
          <TextInput label="User" description="The targeting key" value={user} onChange={(event) => setUser(event.currentTarget.value)} />
          <Textarea
            label="Attributes"
            description="A JSON object"
            placeholder='{"plan": "beta", "country": "NO"}'
            autosize
            minRows={2}
            maxRows={12}
            spellCheck={false}
            value={attributes}
            onChange={(event) => setAttributes(event.currentTarget.value)}
            error={unreadable}
          />
          <TextInput label="At" description="Now, when it is left empty" type="datetime-local" value={at} onChange={(event) => setAt(event.currentTarget.value)} />
          <Group>
            <Button type="submit" loading={explain.isPending}>
              Evaluate
            </Button>
          </Group>
        </Stack>
      </form>
      {explain.error && <Alert color="ember" variant="light" title="No answer" role="alert">{explain.error.message}</Alert>}
      <div aria-live="polite">{explain.data && <Explained answer={explain.data} />}</div>
    </Stack>
  );
}

function attributesOf(text: string): { attributes: Record<string, unknown>; error?: string } {
  try {
    const value: unknown = JSON.parse(text || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { attributes: value as Record<string, unknown> };
    }
  } catch (error) {
    return { attributes: {}, error: `This is no JSON: ${error instanceof Error ? error.message : ''}` };
  }
  return { attributes: {}, error: 'Attributes are an object, such as {"plan": "beta"}.' };
}

function Explained({ answer }: { answer: Answer }) {
  const { value, variant, reason, revision, changed } = answer;
  return (
    <section className={`${lines.card} ${classes.card}`} aria-label="The answer">
      <Title order={2} mb={4}>
        {JSON.stringify(value ?? null)}
      </Title>
      <Text c="dimmed" mb="sm">
        {variant ? `Variant ${variant}` : 'The default in the caller’s code'}, because {REASONS[reason] ?? reason}; at revision {revision}
        {changed && (
          <>
            , changed by <Person actor={changed.by} /> <Time at={changed.at} />
            {changed.reason && ` (“${changed.reason}”)`}
          </>
        )}
      </Text>
      <ol style={{ margin: 0, padding: 0 }}>
        {stepsOf(answer).map(({ title, held, lines }, at) => (
          // The steps are those of one answer, and never move.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={at} className={classes.step}>
            <span className={classes.held} data-held={held} aria-hidden>
              {held ? '✓' : '–'}
            </span>
            <div>
              <Text fw={600}>{title}</Text>
              {lines.map((line) => (
                <Text key={line} size="sm">
                  {line}
                </Text>
              ))}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
