import { VisuallyHidden } from '@mantine/core';
import type { FlagType, Sight } from '../api/schema';
import classes from './FlagState.module.css';

interface FlagStateProps {
  type: FlagType;
  sight: Sight | undefined;
  /** An archived flag is served to nobody: what it said is kept for when it is restored. */
  archived?: boolean;
  /** What it serves while it is off, where that is not plain. */
  off?: string | undefined;
}

/** How a flag stands in one environment, in a word or two. */
export function FlagState({ type, sight, archived = false, off }: FlagStateProps) {
  if (!sight) return <span className={classes.state}>–</span>;
  const { tone, words: state } = stateIn(type, sight);
  const words = off !== undefined && !sight.enabled ? `${state}, serves “${off}”` : state;
  return (
    <span className={classes.state} data-tone={archived ? 'kept' : tone} title={archived ? 'What it said when it was archived' : words}>
      {archived && <VisuallyHidden>It said </VisuallyHidden>}
      {words}
    </span>
  );
}

export type StateTone = 'on' | 'part' | 'off';

/** The same for who draws it in another way. */
export function stateIn(type: FlagType, { enabled, rollout, rules, serve }: Sight): { tone: StateTone; words: string } {
  if (!enabled) return { tone: 'off', words: 'Off' };
  const served = serve === null || serve === undefined ? 'Split' : type === 'boolean' && serve === 'on' ? 'On' : serve;
  const share = Number(rollout);
  const everyone = share === 100 ? served : served === 'On' ? `${share} %` : `${served} ${share} %`;
  const ruled = rules === 1 ? '1 rule' : `${rules} rules`;
  if (rules === 0) return { tone: share === 100 && served !== 'Split' ? 'on' : 'part', words: everyone };
  return { tone: 'part', words: share === 0 ? ruled : `${everyone} · ${ruled}` };
}
