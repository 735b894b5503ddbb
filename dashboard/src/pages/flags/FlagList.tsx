import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import type { Environment, FlagRow } from '../../api/schema';
import { useShortcut } from '../../data/shortcuts';
import { EnvironmentName } from '../../parts/EnvironmentName';
import lines from '../../parts/Lines.module.css';
import classes from './FlagList.module.css';
import { FlagLine } from './FlagLine';
import { openedBefore, rememberOpened } from './opened';

interface FlagListProps {
  project: string;
  environments: Environment[];
  flags: FlagRow[];
}

const USUAL_HEIGHT = 64;

/** With many environments each has less room, so that all are seen at once. */
function columns(environments: number): React.CSSProperties {
  const least = environments <= 3 ? '6.5rem' : '4.25rem';
  return { ['--environments' as string]: environments, ['--least' as string]: least };
}

const AROUND = 8;

/** The flags; of however many there are, only those in sight are drawn. */
export function FlagList({ project, environments, flags }: FlagListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [under, setUnder] = useState(0);
  // Whatever stands above may grow, such as the filters.
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      setTop(list.current?.offsetTop ?? 0);
      setUnder(covered(list.current));
    });
    watch.observe(document.body);
    return () => watch.disconnect();
  }, []);
  const rows = useWindowVirtualizer({
    count: flags.length,
    estimateSize: () => USUAL_HEIGHT,
    overscan: AROUND,
    scrollMargin: top,
    scrollPaddingStart: under,
    getItemKey: (place) => flags[place]?.key ?? place,
  });
  const first = () => {
    const edge = (rows.scrollOffset ?? 0) + under;
    return rows.getVirtualItems().find(({ start }) => start >= edge)?.index ?? 0;
  };
  const last = () => flags.findIndex(({ key }) => key === openedBefore());
  useSteps(list, { length: flags.length, first, last, show: (place) => rows.scrollToIndex(place) });

  return (
    <div className={`${lines.card} ${classes.table}`} style={columns(environments.length)}>
      <div className={classes.head} aria-hidden>
        <span>Flag</span>
        {environments.map((environment) => (
          <EnvironmentName key={environment.key} environment={environment} />
        ))}
        <span>Owner</span>
        <span>{flags[0]?.archived_at ? 'Archived' : 'Last change'}</span>
      </div>
      <div ref={list} role="list" className={classes.rows} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const flag = flags[index];
          return (
            flag && (
              <div
                key={key}
                role="listitem"
                aria-setsize={flags.length}
                aria-posinset={index + 1}
                data-index={index}
                ref={rows.measureElement}
                onClickCapture={() => rememberOpened(flag.key)}
                className={classes.row}
                style={{ transform: `translateY(${start - top}px)` }}
              >
                <FlagLine project={project} environments={environments} flag={flag} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

/** How much of the window's top lies under what sticks there: the banner, and the list's own head. */
function covered(list: HTMLElement | null): number {
  const head = list?.previousElementSibling;
  const banner = document.querySelector('header');
  return (banner?.getBoundingClientRect().height ?? 0) + (head?.getBoundingClientRect().height ?? 0);
}

interface Walk {
  length: number;
  /** The first flag that is in sight. */
  first: () => number;
  /** The flag that one comes back from; -1 when one does not. */
  last: () => number;
  /** Scrolls until a flag is in sight. */
  show: (place: number) => void;
}

/** `j` and `k` walk down and up the list, from the first flag in sight; enter opens, since the walk is from link to link. */
function useSteps(list: React.RefObject<HTMLDivElement | null>, { length, first, last, show }: Walk) {
  // Where the walk is under way to: a row that was out of sight is drawn a moment later, and keys may be quicker.
  const goal = useRef<number>(undefined);
  const arrive = () => {
    const link = list.current?.querySelector<HTMLElement>(`[data-index="${goal.current}"] a`);
    if (!link) return;
    link.focus({ preventScroll: true });
    goal.current = undefined;
  };
  useEffect(arrive);
  const come = useRef(() => {
    const place = last();
    const now = document.activeElement;
    if (place < 0 || (now && now !== document.body && now.tagName !== 'H1')) return;
    goal.current = place;
    show(place);
    arrive();
  });
  useEffect(() => {
    // After the page's heading got the keyboard, as on every page that one comes to.
    const timer = window.setTimeout(come.current);
    return () => window.clearTimeout(timer);
  }, []);
  const step = (by: number) => {
    const here = document.activeElement?.closest<HTMLElement>('[data-index]');
    const from = goal.current ?? (here ? Number(here.dataset['index']) : undefined);
    goal.current = from === undefined ? first() : Math.min(Math.max(from + by, 0), length - 1);
    show(goal.current);
    arrive();
  };
  useShortcut('j', 'Next flag', () => step(1));
  useShortcut('k', 'Previous flag', () => step(-1));
  useShortcut('Enter', 'Open the flag', undefined);
}
