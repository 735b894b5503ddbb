import type { FlagSettings } from '../../api/schema';
import { percent } from '../../parts/words';

/** How many percent get what the default serves; nobody while the flag is off. */
export function shareOf({ enabled, default: served }: FlagSettings): number {
  return enabled ? (served.rollout ?? 100) : 0;
}

/** A percentage as the server takes it: from 0 to 100, with at most three decimals. */
export function percentage(value: number): number {
  return Math.min(100, Math.max(0, Math.round(value * 1_000) / 1_000));
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/**
 * What a change of the share means, in words and numbers. A bucket is for life: whoever has the flag keeps it as long as
 * the share does not shrink, and the first to lose it are the last that gained it.
 */
export function meaning(before: number, after: number, perDay: number | null | undefined, settings: FlagSettings): string {
  const moved = Math.abs(after - before);
  if (moved === 0) return 'Choose a percentage to see what it means.';
  const rest = (settings.rules ?? []).length > 0 ? ' That is of those whom no rule serves.' : '';
  const some =
    perDay ? `, some ${whole.format((perDay * moved) / 100)} of the ${whole.format(perDay)} evaluations a day` : '';
  const head = `${percent(before)} → ${percent(after)}: `;
  if (after > before) {
    const keep = before > 0 ? 'everyone who has it keeps it; ' : '';
    return `${head}${keep}about ${percent(percentage(moved))}${before > 0 ? ' more' : ''} gain it${some}.${rest}`;
  }
  const keep = after > 0 ? 'nobody gains it; ' : '';
  return `${head}${keep}about ${percent(percentage(moved))} lose it${some}.${rest}`;
}
