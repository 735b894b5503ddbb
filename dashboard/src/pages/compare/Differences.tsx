import { Button, Checkbox, Group, Text } from '@mantine/core';
import { useState } from 'react';
import type { Difference, Environment } from '../../api/schema';
import { usePromote } from '../../data/comparison';
import { useMay } from '../../data/session';
import { Changes } from '../../parts/Changes';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { Empty } from '../../parts/Empty';
import { EnvironmentName } from '../../parts/EnvironmentName';
import lines from '../../parts/Lines.module.css';
import { LinkText } from '../../parts/links';
import classes from './Compare.module.css';

/** One promotion takes so many flags. */
const MOST = 500;

interface DifferencesProps {
  project: string;
  from: Environment;
  to: Environment;
  difference: Difference;
}

/** The flags that differ, field by field; those that are chosen can be taken over as they are shown. */
export function Differences({ project, from, to, difference }: DifferencesProps) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const mayPromote = useMay('editor');
  const promote = usePromote(project);
  const items = difference.items.filter(({ flag }) => chosen.has(flag)).slice(0, MOST);
  const { same } = difference;
  const choose = (flag: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(flag);
    else next.delete(flag);
    setChosen(next);
  };
  const act = (reason: string) =>
    promote.mutate({ from: from.key, to: to.key, items, reason }, { onSuccess: () => { setAsking(false); setChosen(new Set()); } });
  const all = difference.items.length > 0 && items.length === Math.min(difference.items.length, MOST);
  return (
    <>
      <Group justify="space-between" mb="sm" gap="sm">
        <Text size="sm" c="dimmed" role="status">
          {difference.items.length.toLocaleString('en')} differ
          {same > 0 && `, ${same === 1 ? '1 says' : `${same.toLocaleString('en')} say`} the same in both`}.
        </Text>
        {mayPromote && difference.items.length > 0 && (
          <Group gap="sm">
            <Checkbox
              label="All"
              checked={all}
              onChange={() => setChosen(all ? new Set() : new Set(difference.items.map(({ flag }) => flag)))}
            />
            <Button disabled={items.length === 0} onClick={() => setAsking(true)} color={to.protected ? 'ember' : undefined}>
              Promote {items.length > 0 && count(items.length)} to {to.name || to.key}
            </Button>
          </Group>
        )}
      </Group>
      {difference.items.length === 0 && (
        <Empty title="They say the same">
          Every flag has the same settings in {from.name || from.key} and {to.name || to.key}.
        </Empty>
      )}
      <ul className={classes.items} aria-label="Differences">
        {difference.items.map(({ flag, changes }) => (
          <li key={flag} className={`${lines.card} ${classes.item}`}>
            <div className={classes.head}>
              {mayPromote && (
                <Checkbox
                  aria-label={`Take over ${flag}`}
                  checked={chosen.has(flag)}
                  onChange={(event) => choose(flag, event.currentTarget.checked)}
                />
              )}
              <LinkText to="/projects/$project/flags/$flag" params={{ project, flag }} className={`${lines.key} ${classes.flag}`}>
                {flag}
              </LinkText>
            </div>
            <Changes changes={changes} />
          </li>
        ))}
      </ul>
      {asking && (
        <ConfirmDialog
          title={`Promote ${count(items.length)} to ${to.name || to.key}`}
          action={`Promote to ${to.name || to.key}`}
          act={act}
          busy={promote.isPending}
          error={promote.error}
          onClose={() => { setAsking(false); promote.reset(); }}
        >
          <EnvironmentName environment={to} /> gets the settings that {from.name || from.key} has now for{' '}
          {items.map(({ flag }) => flag).slice(0, 5).join(', ')}
          {items.length > 5 && ` and ${items.length - 5} more`}. If any of them has changed since it was shown, nothing
          happens.
        </ConfirmDialog>
      )}
    </>
  );
}

const count = (number: number) => (number === 1 ? '1 flag' : `${number.toLocaleString('en')} flags`);
