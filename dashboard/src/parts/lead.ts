import { type RefObject, useCallback, useEffect, useRef } from 'react';

/**
 * Leads the keyboard on when what had it is gone, or when something new is to be filled in: to the first of the places
 * that is there after the next drawing. They are selectors within the element that gets the reference.
 */
export function useLead<Within extends HTMLElement>(): [RefObject<Within | null>, (...places: string[]) => void] {
  const within = useRef<Within>(null);
  const wanted = useRef<string[]>([]);
  useEffect(() => {
    const places = wanted.current;
    wanted.current = [];
    for (const place of places) {
      const found = within.current?.querySelector<HTMLElement>(place);
      if (!found) continue;
      found.focus();
      return;
    }
  });
  const lead = useCallback((...places: string[]) => {
    wanted.current = places;
  }, []);
  return [within, lead];
}
