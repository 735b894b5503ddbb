import { Text } from '@mantine/core';
import type { Environment, Sealed, Via } from '../../api/schema';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { Key } from '../../parts/Key';
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

interface EntryLineProps {
  project: string;
  entry: Sealed;
  environments: Environment[];
}

/** One entry of the audit: what was done to what, by whom, when and why, field by field. */
export function EntryLine({ project, entry, environments }: EntryLineProps) {
  const { action, actor, at, changes, environment, flag, reason, target, via } = entry;
  const place = environments.find(({ key }) => key === environment);
  return (
    <li className={lines.line}>
      <div className={lines.first}>
        <span className={classes.what}>{said(action)}</span>
        {flag ? (
          <LinkText to="/projects/$project/flags/$flag" params={{ project, flag }} className={classes.target}>
            <Key>{flag}</Key>
          </LinkText>
        ) : (
          <span className={classes.target}><Key>{target.key}</Key></span>
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
