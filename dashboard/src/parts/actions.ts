import type { Action } from '../api/schema';

const WORDS: Partial<Record<Action, string>> = {
  'settings.updated': 'Settings changed',
  'settings.rollout': 'Rollout changed',
  'settings.killed': 'Killed',
  'settings.restored': 'Settings restored',
  'settings.promoted': 'Promoted',
  'project.imported': 'Imported',
};

/** What was done, in words: `flag.created` is “Flag created”. */
export function said(action: Action): string {
  const [noun = '', verb = ''] = action.split('.');
  return WORDS[action] ?? `${noun.charAt(0).toUpperCase()}${noun.slice(1)} ${verb}`;
}
