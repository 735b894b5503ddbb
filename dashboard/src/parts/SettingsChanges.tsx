import type { FieldChange, Sealed } from '../api/schema';
import { bare, useSettingsAt } from '../data/settings';
import { Lines } from './Changes';
import { linesBefore, needSettings, needShare } from './differences';

/** So much is read at a glance; more is behind a line that says how much. */
const AT_A_GLANCE = 4;

interface SettingsChangesProps {
  project: string;
  entry: Pick<Sealed, 'environment' | 'flag' | 'revision'>;
  changes: FieldChange[];
}

/** What an entry of the audit changed. Where it names places in lists alone, or half of a state, what was said then tells the rest. */
export function SettingsChanges({ project, entry, changes }: SettingsChangesProps) {
  const { environment, flag, revision } = entry;
  const place = { project, environment: environment ?? '', flag: flag ?? '' };
  const needed = needSettings(changes) || needShare(changes);
  const known = environment && flag && revision && needed ? revision : undefined;
  const then = useSettingsAt(place, known).data;
  const lines = linesBefore(then && bare(then), changes);
  if (lines.length <= AT_A_GLANCE) return <Lines lines={lines} />;
  return (
    <details>
      <summary>{wholeness(changes) ?? `${lines.length} changes`}</summary>
      <Lines lines={lines} />
    </details>
  );
}

/** What came or went as a whole did not change. */
function wholeness([first, ...others]: FieldChange[]): string | undefined {
  if (first?.field !== '' || others.length > 0) return undefined;
  return first.before === null || first.before === undefined ? 'What it began with' : 'What it was';
}
