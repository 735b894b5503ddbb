import { type Mutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';

/**
 * Does what is sent only once at a time. A second click or enter comes before the page has drawn that the first is under
 * way; what the first has sent is known at once.
 */
export function useOnce(): (act: () => void) => void {
  const cache = useQueryClient().getMutationCache();
  const sent = useRef<Mutation[]>([]);
  return (act) => {
    if (sent.current.some(({ state }) => state.status === 'pending')) return;
    const before = new Set(cache.getAll());
    act();
    sent.current = cache.getAll().filter((it) => !before.has(it));
  };
}
