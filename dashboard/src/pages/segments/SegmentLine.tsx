import { Button } from '@mantine/core';
import type { Segment } from '../../api/schema';
import { conditionInWords } from '../../parts/conditions';
import { Key } from '../../parts/Key';
import lines from '../../parts/Lines.module.css';
import { Person } from '../../parts/Person';
import { Time } from '../../parts/Time';
import classes from './Segments.module.css';

interface SegmentLineProps {
  segment: Segment;
  edit: () => void;
  /** Absent for who may not. */
  remove: (() => void) | undefined;
}

/** One segment: who belongs to it, in words. */
export function SegmentLine({ segment, edit, remove }: SegmentLineProps) {
  return (
    <li className={`${lines.line} ${classes.line}`}>
      <div className={classes.who}>
        <span className={lines.key}><Key>{segment.key}</Key></span>
        <span className={lines.dim}>{[segment.name !== segment.key && segment.name, segment.description].filter(Boolean).join(' · ')}</span>
      </div>
      <div className={classes.words}>{membership(segment)}</div>
      <div className={lines.dim}>
        <Time at={segment.changed_at} /> by <Person actor={segment.changed_by} />
      </div>
      <div className={`${lines.acts} ${classes.acts}`}>
        <Button size="compact-sm" variant="subtle" onClick={edit} aria-label={`Open ${segment.key}`}>
          Open
        </Button>
        {remove && (
          <Button size="compact-sm" variant="subtle" color="var(--hoist-danger)" onClick={remove} aria-label={`Delete ${segment.key}`}>
            Delete
          </Button>
        )}
      </div>
    </li>
  );
}

/** Who belongs to it. Without conditions, nobody does but those who are named. */
function membership({ conditions, included, excluded }: Segment): string {
  const parts = [
    conditions.length > 0 && conditions.map(conditionInWords).join(' and '),
    included.length > 0 && `${included.length} included by key`,
    excluded.length > 0 && `${excluded.length} excluded`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join('; ') : 'Nobody';
}
