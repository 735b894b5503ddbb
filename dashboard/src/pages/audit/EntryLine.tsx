import { Text } from '@mantine/core';
import type { Environment, FieldChange, Sealed, Via } from '../../api/schema';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { timesIn } from '../../parts/instants';
import lines from '../../parts/Lines.module.css';
import { LinkText } from '../../parts/links';
import { Person } from '../../parts/Person';
import { SettingsChanges } from '../../parts/SettingsChanges';
import { Time } from '../../parts/Time';
import { said } from '../../parts/actions';
import classes from './Audit.module.css';

const WAYS: Record<Via, string> = {
  api: 'over the API',
  cli: 'by the command line',
  dashboard: 'on the dashboard',
  import: 'by an import',
};

/** What came or went as a whole is told field by field; what it does not say is left out. */
function unfolded(change: FieldChange): FieldChange[] {
  const { field, before, after } = change;
  const whole = before ?? after;
  const one = before === null || before === undefined || after === null || after === undefined;
  if (field !== '' || !one || typeof whole !== 'object' || whole === null) return [change];
  const said = Object.entries(whole).filter(([, value]) => value !== null && value !== '' && String(value) !== '');
  return said.map(([name, value]) => ({
    field: `/${name}`,
    before: whole === before ? value : null,
    after: whole === before ? null : value,
  }));
}

interface EntryLineProps {
  project: string;
  entry: Sealed;
  environments: Environment[];
}

/** One entry of the audit: what was done to what, by whom, when and why, field by field. */
export function EntryLine({ project, entry, environments }: EntryLineProps) {
  const { action, actor, at, environment, flag, reason, target, via } = entry;
  const changes = entry.changes.flatMap(unfolded).map(({ field, before, after }) => ({ field, before: timesIn(before), after: timesIn(after) }));
  const place = environments.find(({ key }) => key === environment);
  return (
    <li className={lines.line}>
      <div className={lines.first}>
        <span className={classes.what}>{said(action)}</span>
        {flag ? (
          <LinkText to="/projects/$project/flags/$flag" params={{ project, flag }} className={classes.target}>
            {flag}
          </LinkText>
        ) : (
          <span className={classes.target}>{target.key}</span>
        )}
        {environment && (place ? <EnvironmentName environment={place} /> : <span>{environment}</span>)}
        <span className={classes.who}>
          <Person actor={actor} /> {WAYS[via]}, <Time at={at} />
        </span>
      </div>
      {reason && <p className={classes.reason}>“{reason}”</p>}
      {changes.length > 0 && (
        <div className={classes.changes}>
          <SettingsChanges project={project} entry={entry} changes={changes} />
        </div>
      )}
      {action === 'settings.killed' && changes.length === 0 && (
        <Text size="sm" c="dimmed">
          It was off already.
        </Text>
      )}
    </li>
  );
}
