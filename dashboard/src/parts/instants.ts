const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });

/** A text of the server in which instants stand in UTC, with the viewer's own time in their place. */
export function withTimes(text: string): string {
  return text.replace(new RegExp(INSTANT, 'g'), (instant) => exact.format(new Date(instant)));
}

/** Whether a text is an instant and nothing else. */
export const isInstant = (text: string) => INSTANT.exec(text)?.[0] === text;
