import { Button, Checkbox, Group, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Difference, Environment, FlagDifference, FlagRow, Sight } from '../../api/schema';
import { usePromote } from '../../data/comparison';
import { useMay } from '../../data/session';
import { bare, useSettings } from '../../data/settings';
import { Lines, Sides } from '../../parts/Changes';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { type Line, linesBefore, needSettings } from '../../parts/differences';
import { Empty } from '../../parts/Empty';
import { EnvironmentName } from '../../parts/EnvironmentName';
import { Key } from '../../parts/Key';
import lines from '../../parts/Lines.module.css';
import { LinkText } from '../../parts/links';
import classes from './Compare.module.css';
import { Same } from './Same';

/** One promotion takes so many flags. */
const MOST = 500;
/** So many are drawn at once. */
const SHOWN = 100;
/** So many are spelled out before they are taken over. */
const SPELLED = 20;

interface DifferencesProps {
  project: string;
  from: Environment;
  to: Environment;
  difference: Difference;
  /** All flags as they stand: whether a share that differs is served, or sleeps. */
  flags: FlagRow[];
}

const called = ({ name, key }: Environment) => name || key;

/** The flags that differ, side by side; those that are chosen can be taken over as they are shown. */
export function Differences({ project, from, to, difference, flags }: DifferencesProps) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [shown, setShown] = useState(SHOWN);
  const [asking, setAsking] = useState(false);
  const sights = useMemo(() => new Map(flags.map(({ key, environments }) => [key, environments[to.key]])), [flags, to.key]);
  const mayPromote = useMay('editor');
  const promote = usePromote(project);
  const { items: differing, same } = difference;
  const items = differing.filter(({ flag }) => chosen.has(flag)).slice(0, MOST);
  const choose = (flag: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(flag);
    else next.delete(flag);
    setChosen(next);
  };
  const act = (reason: string) =>
    promote.mutate({ from: from.key, to: to.key, items, reason }, { onSuccess: () => { setAsking(false); setChosen(new Set()); } });
  const all = differing.length > 0 && items.length === Math.min(differing.length, MOST);
  return (
    <>
      <Group justify="space-between" mb="sm" gap="sm">
        <Text size="sm" c="dimmed" role="status">
          {differing.length.toLocaleString('en')} differ
          {same > 0 && `, ${same === 1 ? '1 says' : `${same.toLocaleString('en')} say`} the same in both`}.
        </Text>
        {mayPromote && differing.length > 0 && (
          <Group gap="sm">
            <Checkbox
              label="All"
              checked={all}
              onChange={() => setChosen(all ? new Set() : new Set(differing.map(({ flag }) => flag)))}
            />
            <Button disabled={items.length === 0} onClick={() => setAsking(true)} color={to.protected ? 'ember.7' : undefined}>
              Promote {items.length > 0 && count(items.length)} to {called(to)}
            </Button>
          </Group>
        )}
      </Group>
      {differing.length === 0 && (
        <Empty title="They say the same">
          Every flag has the same settings in {called(from)} and {called(to)}.
        </Empty>
      )}
      <ul className={classes.items} aria-label="Differences">
        {differing.slice(0, shown).map((item) => (
          <li key={item.flag} className={`${lines.card} ${classes.item}`}>
            <div className={classes.head}>
              {mayPromote && (
                <Checkbox
                  aria-label={`Take over ${item.flag}`}
                  checked={chosen.has(item.flag)}
                  onChange={(event) => choose(item.flag, event.currentTarget.checked)}
                />
              )}
              <LinkText
                to="/projects/$project/flags/$flag"
                params={{ project, flag: item.flag }}
                className={`${lines.key} ${classes.flag}`}
              >
                <Key>{item.flag}</Key>
              </LinkText>
            </div>
            <SideBySide project={project} from={from} to={to} item={item} sight={sights.get(item.flag)} />
          </li>
        ))}
      </ul>
      {differing.length > shown && (
        <Button mt="md" variant="default" onClick={() => setShown(shown + SHOWN)}>
          Show {Math.min(SHOWN, differing.length - shown)} more
        </Button>
      )}
      <Same project={project} environment={to} differing={differing} same={same} />
      {asking && (
        <ConfirmDialog
          title={`Promote ${count(items.length)} to ${called(to)}`}
          action={`Promote to ${called(to)}`}
          act={act}
          busy={promote.isPending}
          error={promote.error}
          onClose={() => { setAsking(false); promote.reset(); }}
        >
          <Group gap="xs" mb="xs">
            <EnvironmentName environment={from} />
            <span aria-hidden>→</span>
            <EnvironmentName environment={to} />
          </Group>
          <section className={classes.coming} aria-label="What will change">
            {items.slice(0, SPELLED).map((item) => (
              <section key={item.flag} aria-label={item.flag}>
                <span className={lines.key}><Key>{item.flag}</Key></span>
                <Coming project={project} to={to} item={item} sight={sights.get(item.flag)} />
              </section>
            ))}
            {items.length > SPELLED && <Text size="sm">and {count(items.length - SPELLED)} more, as shown on the page</Text>}
          </section>
          <Text size="sm" c="dimmed" mt="xs">
            If any of them has changed since it was shown, nothing happens.
          </Text>
        </ConfirmDialog>
      )}
    </>
  );
}

/** What differs: “before” is what the giving environment says, “after” the receiving one. */
function useLines({ project, to, item: { flag, changes }, sight }: ItemProps): Line[] {
  // Without places in lists the changes tell all by themselves, and nothing is asked for.
  const place = { project, environment: to.key, flag: needSettings(changes) ? flag : '' };
  const now = useSettings(place).data;
  // Undone from there, what a promotion would leave leads to what the giving environment says.
  const back = changes.map(({ field, before, after }) => ({ field, before: after, after: before }));
  return linesBefore(now && bare(now), back, sight);
}

/** The same lines from the other side. */
const turned = (told: Line[]): Line[] =>
  told.map(({ name, before, after, went, came }) => ({
    name,
    before: after,
    after: before,
    ...(went && came && { went: came, came: went }),
  }));

interface ItemProps {
  project: string;
  to: Environment;
  item: FlagDifference;
  /** How the flag stands in the receiving environment, as far as it is known. */
  sight: Sight | undefined;
}

function SideBySide({ from, ...props }: ItemProps & { from: Environment }) {
  return <Sides lines={useLines(props)} sides={[<EnvironmentName key="from" environment={from} />, <EnvironmentName key="to" environment={props.to} />]} />;
}

function Coming(props: ItemProps) {
  return <Lines lines={turned(useLines(props))} />;
}

const count = (number: number) => (number === 1 ? '1 flag' : `${number.toLocaleString('en')} flags`);
