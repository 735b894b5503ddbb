import { Text } from '@mantine/core';

/** Who did something, as the audit names them (`token:deploy`, `user:ada`, `ramp:dashboard_v2`, `system`). */
export function Person({ actor }: { actor: string }) {
  const [name, kind] = named(actor);
  return (
    <Text span inherit title={actor}>
      {name}
      {kind && (
        <Text span c="dimmed" inherit>
          {' '}
          ({kind})
        </Text>
      )}
    </Text>
  );
}

/** What an actor is called, and what it is where that is not plain. */
function named(actor: string): [name: string, kind: string | undefined] {
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
