import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Environment, FlagDifference } from '../../api/schema';
import { useOverview } from '../../data/flags';
import { FlagState } from '../../parts/FlagState';
import { Key } from '../../parts/Key';
import lines from '../../parts/Lines.module.css';
import { LinkText } from '../../parts/links';
import classes from './Compare.module.css';

/** So many are drawn at once. */
const SHOWN = 100;

interface SameProps {
  project: string;
  environment: Environment;
  differing: FlagDifference[];
  same: number;
}

/** The flags that say the same in both, and what that is, for who asks for them. */
export function Same({ project, environment, differing, same }: SameProps) {
  const [opened, setOpened] = useState(false);
  if (same === 0) return null;
  return (
    <details className={classes.same} onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary>{same === 1 ? '1 flag says the same in both' : `${same.toLocaleString('en')} flags say the same in both`}</summary>
      {opened && <List project={project} environment={environment} differing={differing} />}
    </details>
  );
}

function List({ project, environment, differing }: Omit<SameProps, 'same'>) {
  const [shown, setShown] = useState(SHOWN);
  const others = new Set(differing.map(({ flag }) => flag));
  const flags = (useOverview(project).data?.flags ?? []).filter(({ key }) => !others.has(key));
  return (
    <>
      <ul className={lines.lines} aria-label="The same in both">
        {flags.slice(0, shown).map(({ key, type, environments }) => (
          <li key={key} className={`${lines.line} ${classes.alike}`}>
            <LinkText to="/projects/$project/flags/$flag" params={{ project, flag: key }} className={lines.key}>
              <Key>{key}</Key>
            </LinkText>
            <FlagState type={type} sight={environments[environment.key]} />
          </li>
        ))}
      </ul>
      {flags.length > shown && (
        <Button mt="sm" variant="default" onClick={() => setShown(shown + SHOWN)}>
          Show {Math.min(SHOWN, flags.length - shown)} more
        </Button>
      )}
    </>
  );
}
