import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import type { Environment, FlagRow } from '../../api/schema';
import { useShortcut } from '../../data/shortcuts';
import { EnvironmentName } from '../../parts/EnvironmentName';
import lines from '../../parts/Lines.module.css';
import classes from './FlagList.module.css';
import { FlagLine } from './FlagLine';

interface FlagListProps {
  project: string;
  environments: Environment[];
  flags: FlagRow[];
}

const USUAL_HEIGHT = 64;
const AROUND = 8;

/** The flags; of however many there are, only those in sight are drawn. */
export function FlagList({ project, environments, flags }: FlagListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  // Whatever stands above may grow, such as the filters.
  useEffect(() => {
    const watch = new ResizeObserver(() => setTop(list.current?.offsetTop ?? 0));
    watch.observe(document.body);
    return () => watch.disconnect();
  }, []);
  const rows = useWindowVirtualizer({
    count: flags.length,
    estimateSize: () => USUAL_HEIGHT,
    overscan: AROUND,
    scrollMargin: top,
    getItemKey: (place) => flags[place]?.key ?? place,
  });
  useSteps(list, flags.length, (place) => rows.scrollToIndex(place));

  return (
    <div className={`${lines.card} ${classes.table}`} style={{ ['--environments' as string]: environments.length }}>
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

/** `j` and `k` walk down and up the list; enter opens, since the walk is from link to link. */
function useSteps(list: React.RefObject<HTMLDivElement | null>, length: number, show: (place: number) => void) {
  const step = (by: number) => {
    const here = document.activeElement?.closest<HTMLElement>('[data-index]');
    const from = here ? Number(here.dataset['index']) : -1;
    const to = Math.min(Math.max(from + by, 0), length - 1);
    show(to);
    const link = () => list.current?.querySelector<HTMLElement>(`[data-index="${to}"] a`);
    // A row that was out of sight is drawn a frame later.
    if (link()) link()?.focus();
    else requestAnimationFrame(() => link()?.focus());
  };
  useShortcut('j', 'Next flag', () => step(1));
  useShortcut('k', 'Previous flag', () => step(-1));
}
