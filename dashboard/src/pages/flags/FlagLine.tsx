import { VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { Environment, FlagRow } from '../../api/schema';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { FlagState } from '../../parts/FlagState';
import { Key } from '../../parts/Key';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';
import classes from './FlagList.module.css';
import { PURPOSES } from './filters';

interface FlagLineProps {
  project: string;
  environments: Environment[];
  flag: FlagRow;
}

/** One flag of the list. */
export const FlagLine = memo(function FlagLine({ project, environments, flag }: FlagLineProps) {
  return (
    <>
      <div className={classes.flag}>
        <Link to="/projects/$project/flags/$flag" params={{ project, flag: flag.key }} className={classes.key}>
          <Key>{flag.key}</Key>
        </Link>
        {flag.archived_at && <span className={classes.archived}> Archived</span>}
        <span className={classes.words}>
          {flag.name !== flag.key && <span>{flag.name} </span>}
          {flag.tags.map((tag) => (
            <span key={tag} className={classes.tag}>
              #{tag}{' '}
            </span>
          ))}
        </span>
      </div>
      {environments.map((environment) => (
        <span key={environment.key} className={classes.state}>
          <span className={classes.environment}>
            <EnvironmentName environment={environment} />
          </span>
          <FlagState type={flag.type} sight={flag.environments[environment.key]} archived={Boolean(flag.archived_at)} />
        </span>
      ))}
      <span className={classes.owner}>
        {flag.owner}
        <span className={classes.words}>{PURPOSES[flag.purpose]}</span>
      </span>
      <span className={classes.change}>
        <VisuallyHidden>{flag.archived_at ? 'Archived' : 'Last change'} </VisuallyHidden>
        <Time at={flag.archived_at ?? flag.changed_at} />
        <span className={classes.words}>
          by <Person actor={flag.archived_by ?? flag.changed_by} />
        </span>
      </span>
    </>
  );
});
