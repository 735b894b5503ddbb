import { Alert, Button, Group, Stack, Textarea, TextInput } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { type Asked, useExplain } from '../../data/explain';
import { Loading } from '../../parts/Loading';
import { dayOf } from '../new-flag/form';
import { Explained } from './Explained';
import type { ContentProps } from './FlagPage';

/** A user in, the answer out, with every step that led to it; now or at some earlier moment. The address keeps what was asked. */
export function Playground({ place, flag }: ContentProps) {
  const search = useSearch({ from: '/projects/$project/flags/$flag' });
  const navigate = useNavigate({ from: '/projects/$project/flags/$flag' });
  const [user, setUser] = useState(search.attributes === undefined ? 'user-1' : (search.user ?? ''));
  const [attributes, setAttributes] = useState(search.attributes ?? '{}');
  const [at, setAt] = useState(search.at ? here(search.at) : '');
  const [unreadable, setUnreadable] = useState<string>();
  const asked = askedOf(search);
  const explain = useExplain(place, asked);
  const ask = (event: FormEvent) => {
    event.preventDefault();
    const read = attributesOf(attributes);
    setUnreadable(read.error);
    if (read.error !== undefined) return;
    const wanted = { user, attributes: attributes.trim() || '{}', at: at ? new Date(at).toISOString() : undefined };
    const again = (['attributes', 'at'] as const).every((name) => search[name] === wanted[name]) && (search.user ?? '') === user;
    if (again) void explain.refetch();
    else void navigate({ to: '.', search: (before) => ({ ...before, ...wanted }), replace: true });
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
            {/* A button that waits would lose the keyboard, and asking twice does no harm. */}
            <Button type="submit">Evaluate</Button>
          </Group>
        </Stack>
      </form>
      {explain.error && <Alert color="ember" variant="light" title="No answer" role="alert">{explain.error.message}</Alert>}
      {explain.isLoading && <Loading rows={3} />}
      <div aria-live="polite">
        {asked && explain.data && !explain.error && <Explained answer={explain.data} place={place} asked={asked} flag={flag} />}
      </div>
    </Stack>
  );
}

/** What the address asks; nothing when it asks nothing, or nothing that can be read. */
function askedOf({ user, attributes, at }: { user?: string | undefined; attributes?: string | undefined; at?: string | undefined }): Asked | undefined {
  if (attributes === undefined) return undefined;
  const read = attributesOf(attributes);
  if (read.error !== undefined) return undefined;
  return { context: { ...read.attributes, ...(user && { targetingKey: user }) }, at };
}

/** An instant as a field for days and times writes it, where the person is. */
function here(at: string): string {
  const instant = new Date(at);
  if (Number.isNaN(instant.getTime())) return '';
  return `${dayOf(instant)}T${instant.toTimeString().slice(0, 5)}`;
}

function attributesOf(text: string): { attributes: Record<string, unknown>; error?: string } {
  try {
    const value: unknown = JSON.parse(text.trim() || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { attributes: value as Record<string, unknown> };
    }
  } catch (error) {
    return { attributes: {}, error: `This is no JSON: ${error instanceof Error ? error.message : ''}` };
  }
  return { attributes: {}, error: 'Attributes are an object, such as {"plan": "beta"}.' };
}
