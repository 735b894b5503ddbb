// Which flag of the list was opened, so that whoever comes back is where they were. It belongs to one entry of the
// browser's history: whoever opens the list anew begins at its top.

const OPENED = 'hoist-opened';

const entry = () => (window.history.state as { __TSR_key?: string } | null)?.__TSR_key ?? '';

export function rememberOpened(flag: string) {
  sessionStorage.setItem(OPENED, JSON.stringify([entry(), flag]));
}

/** The flag that was opened from this very list. */
export function openedBefore(): string | undefined {
  const [at, flag] = JSON.parse(sessionStorage.getItem(OPENED) ?? '[]') as [string?, string?];
  return at === entry() ? flag : undefined;
}
