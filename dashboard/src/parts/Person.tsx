import { Text } from '@mantine/core';

/** Who did something, as the audit names them (`token:deploy`, `user:ada`, `ramp:dashboard_v2`, `system`). */
export function Person({ actor }: { actor: string }) {
  const [kind, name] = split(actor);
  return (
    <Text span inherit title={actor}>
      {name ?? kind}
      {name && kind !== 'user' && kind !== 'token' && (
        <Text span c="dimmed" inherit>
          {' '}
          ({kind})
        </Text>
      )}
    </Text>
  );
}

function split(actor: string): [string, string | undefined] {
  const colon = actor.indexOf(':');
  return colon < 0 ? [actor, undefined] : [actor.slice(0, colon), actor.slice(colon + 1)];
}
