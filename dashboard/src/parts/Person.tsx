import { Text } from '@mantine/core';

interface PersonProps {
  actor: string;
  /** Whether a sentence begins with them. */
  first?: boolean;
}

/** Who did something, as the audit names them (`token:deploy`, `user:ada`, `ramp:dashboard_v2`, `system`). */
export function Person({ actor, first = false }: PersonProps) {
  const [name, kind] = named(actor);
  return (
    <Text span inherit title={actor}>
      {first && actor === DEVELOPMENT ? name.replace('the', 'The') : name}
      {kind && (
        <Text span c="dimmed" inherit>
          {' '}
          ({kind})
        </Text>
      )}
    </Text>
  );
}

/** In development mode everyone on the machine; by its bare name it would be taken for the environment. */
const DEVELOPMENT = 'token:development';

/** What an actor is called, and what it is where that is not plain. */
function named(actor: string): [name: string, kind: string | undefined] {
  if (actor === DEVELOPMENT) return ['the development token', undefined];
  const [kind, name] = split(actor);
  return [name ?? kind, name && kind !== 'user' && kind !== 'token' ? kind : undefined];
}

/** The same in one text. */
export function nameOf(actor: string): string {
  const [name, kind] = named(actor);
  return kind ? `${name} (${kind})` : name;
}

function split(actor: string): [string, string | undefined] {
  const colon = actor.indexOf(':');
  return colon < 0 ? [actor, undefined] : [actor.slice(0, colon), actor.slice(colon + 1)];
}
