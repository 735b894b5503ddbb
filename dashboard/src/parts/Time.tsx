import { useEffect, useState } from 'react';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Older than this, the day says more than the distance. */
const DISTANT = 14 * DAY;

const exact = new Intl.DateTimeFormat('en', { dateStyle: 'full', timeStyle: 'long' });
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });
const distance = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** An instant as a person says it; the exact one, in the viewer's zone, on hover. */
export function Time({ at }: { at: string }) {
  const now = useNow();
  const instant = new Date(at);
  return (
    <time dateTime={at} title={exact.format(instant)}>
      {said(instant.getTime() - now, instant)}
    </time>
  );
}

function said(from: number, instant: Date): string {
  const far = Math.abs(from);
  // The page's clock moves by half minutes, so what was done a moment ago may lie ahead of it.
  if (far < MINUTE) return 'just now';
  if (far < HOUR) return distance.format(Math.trunc(from / MINUTE), 'minute');
  if (far < DAY) return distance.format(Math.trunc(from / HOUR), 'hour');
  if (far < DISTANT) return distance.format(Math.trunc(from / DAY), 'day');
  return day.format(instant);
}

/** The time, to the half minute. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), MINUTE / 2);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}
