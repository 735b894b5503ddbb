import { type RefObject, useEffect, useRef } from 'react';

/** Gives the keyboard back to whatever had it before, once a dialog is gone; if that is gone too, to the page's heading. */
export function useFocusReturn(opened: boolean) {
  useEffect(() => {
    if (!opened) return undefined;
    const before = document.activeElement;
    // A moment later: what was written may still draw the page anew.
    return () => void window.setTimeout(() => giveBack(before));
  }, [opened]);
}

function giveBack(before: Element | null) {
  const now = document.activeElement;
  // Whatever took the keyboard meanwhile keeps it.
  if (now && now !== document.body && !now.closest('[role="dialog"]')) return;
  const heading = document.querySelector<HTMLElement>('h1');
  for (const one of [before, heading]) {
    if (!(one instanceof HTMLElement) || one === document.body || !one.isConnected) continue;
    one.focus();
    if (document.activeElement === one) return;
  }
}

/**
 * A button that waits is disabled and loses the keyboard. When the wait is over and the form still stands, the first field
 * that was refused has it, else what was said about the refusal, else the button.
 */
export function useFocusAfter(busy: boolean, form: RefObject<HTMLElement | null>) {
  const waited = useRef(false);
  useEffect(() => {
    const over = waited.current && !busy;
    waited.current = busy;
    const now = document.activeElement;
    if (!over || (now && now !== document.body && now.tagName !== 'BUTTON')) return;
    for (const place of ['[aria-invalid="true"]', '[role="alert"]', 'button[data-acts]']) {
      const one = form.current?.querySelector<HTMLElement>(place);
      one?.focus();
      if (one && document.activeElement === one) return;
    }
  }, [busy, form]);
}
