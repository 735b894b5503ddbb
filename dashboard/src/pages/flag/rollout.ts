import type { FlagSettings, FlagType } from '../../api/schema';
import { percent, serveInWords } from '../../parts/words';

/** How many percent get what the default serves; nobody while the flag is off. */
export function shareOf({ enabled, default: served }: FlagSettings): number {
  return enabled ? (served.rollout ?? 100) : 0;
}

/** A percentage as the server takes it: from 0 to 100, with at most three decimals. */
export function percentage(value: number): number {
  return Math.min(100, Math.max(0, Math.round(value * 1_000) / 1_000));
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Whether “it” says enough: on or off, and nothing else. */
const plain = (type: FlagType, { default: { serve }, off_variant: off }: FlagSettings) =>
  type === 'boolean' && serve === 'on' && off === 'off';

/** What those get whom the share takes in, and the others; nothing where “10 %” says it all. */
export function served(type: FlagType, settings: FlagSettings): string {
  const { serve } = settings.default;
  if (plain(type, settings)) return '';
  if (serve === settings.off_variant) return `; everyone gets ${serve} either way`;
  return ` get ${typeof serve === 'string' ? serve : `a part of ${serveInWords(serve)}`}, the others ${settings.off_variant}`;
}

/**
 * What a change of the share means, in words and numbers. A bucket is for life: whoever has the flag keeps it as long as
 * the share does not shrink, and the first to lose it are the last that gained it.
 */
export function meaning(
  before: number,
  after: number,
  perDay: number | null | undefined,
  settings: FlagSettings,
  type: FlagType = 'boolean',
): string {
  const moved = Math.abs(after - before);
  if (moved === 0) return 'Choose a percentage to see what it means.';
  const rest = (settings.rules ?? []).length > 0 ? ' That is of those whom no rule serves.' : '';
  const evaluations =
    perDay ? `, some ${whole.format((perDay * moved) / 100)} of the ${whole.format(perDay)} evaluations a day` : '';
  const change = { grows: after > before, some: `about ${percent(percentage(moved))}`, from: before > 0, to: after > 0 };
  const said = plain(type, settings) ? ofIt(change) : ofVariants(change, settings);
  return `${percent(before)} → ${percent(after)}: ${said}${evaluations}.${rest}`;
}

interface Change {
  grows: boolean;
  some: string;
  /** Whether anybody has it before, and after. */
  from: boolean;
  to: boolean;
}

function ofIt({ grows, some, from, to }: Change): string {
  if (grows) return from ? `everyone who has it keeps it; ${some} more gain it` : `${some} gain it`;
  return `${to ? 'nobody gains it; ' : ''}${some} lose it`;
}

function ofVariants({ grows, some, from, to }: Change, { default: { serve }, off_variant: off }: FlagSettings): string {
  if (serve === off) return `nothing changes for anyone, everyone gets ${off} either way`;
  const more = from ? `${some} more` : some;
  if (typeof serve === 'string') {
    if (grows) return `${from ? `everyone who gets ${serve} keeps it; ` : ''}${more} get ${serve} instead of ${off}`;
    return `${to ? `nobody else gets ${serve}; ` : ''}${some} get ${off} instead of ${serve}`;
  }
  const split = `the split ${serveInWords(serve)}`;
  if (grows) return `${from ? 'everyone in the split keeps their variant; ' : ''}${more} come into ${split} instead of ${off}`;
  return `${to ? 'everyone else in the split keeps their variant; ' : ''}${some} leave ${split} and get ${off}`;
}
