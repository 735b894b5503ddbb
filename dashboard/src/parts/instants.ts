const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });

/** A text of the server in which instants stand in UTC, with the viewer's own time in their place. */
export function withTimes(text: string): string {
  return text.replace(new RegExp(INSTANT, 'g'), (instant) => exact.format(new Date(instant)));
}

/** The same of any value: whatever is no instant stays. */
export function timesIn<T>(value: T): T | string {
  return typeof value === 'string' && value.replace(INSTANT, '') === '' ? withTimes(value) : value;
}
