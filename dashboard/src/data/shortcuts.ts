import { useEffect, useRef, useSyncExternalStore } from 'react';

/** A single key that does something while no text is being typed. */
export interface Shortcut {
  key: string;
  label: string;
}

const OFF = 'hoist-shortcuts-off';

let active: Shortcut[] = [];
let enabled = localStorage.getItem(OFF) === null;
const listeners = new Set<() => void>();

function tell() {
  for (const listener of listeners) listener();
}

function listen(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The shortcuts of what is shown now, for the help. */
export function useShortcuts(): Shortcut[] {
  return useSyncExternalStore(listen, () => active);
}

/** Whether single keys do anything: speech input types letters, so they can be turned off (WCAG 2.1.4). */
export function useShortcutsEnabled(): [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(listen, () => enabled);
  return [on, enable];
}

function enable(on: boolean) {
  enabled = on;
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, 'true');
  tell();
}

/** Does something at a key, as long as the component is there, and lists it in the help; without an action only that. */
export function useShortcut(key: string, label: string, action: (() => void) | undefined) {
  const newest = useRef(action);
  useEffect(() => {
    newest.current = action;
  });
  useEffect(() => {
    const shortcut = { key, label };
    active = [...active, shortcut];
    tell();
    const pressed = (event: KeyboardEvent) => {
      if (!newest.current || !enabled || event.key !== key || !isFree(event)) return;
      event.preventDefault();
      newest.current();
    };
    window.addEventListener('keydown', pressed);
    return () => {
      window.removeEventListener('keydown', pressed);
      active = active.filter((it) => it !== shortcut);
      tell();
    };
  }, [key, label]);
}

/** Whether a key belongs to nobody: no field, no menu and no dialog has it. */
function isFree(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target instanceof Element ? event.target : null;
  const own = 'input, textarea, select, [contenteditable], [role="menu"], [role="dialog"], [role="listbox"]';
  return !target?.closest(own) && !document.querySelector('[role="dialog"]');
}
