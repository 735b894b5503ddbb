import { VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Changes.module.css';
import type { Line } from './differences';

/** So many things of a list are named; of more there is a count. */
const NAMED = 12;

/** What differs, line by line: what was is struck out, what is stands behind an arrow. */
export function Lines({ lines }: { lines: Line[] }) {
  if (lines.length === 0) return null;
  return (
    <div className={classes.within}>
      <dl className={classes.lines}>
        {lines.map((line) => (
          <div key={`${line.name} ${line.before} ${line.after}`} className={classes.line}>
            <dt>{line.name}</dt>
            <dd>
              <Difference line={line} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function Difference({ line: { before, after, went, came } }: { line: Line }) {
  if (went && came) {
    return (
      <>
        {fewOf(went).map((it) => (
          <del key={it} className={classes.thing}>
            <span aria-hidden>− </span>
            {it}
          </del>
        ))}
        {fewOf(came).map((it) => (
          <ins key={it} className={classes.thing}>
            <span aria-hidden>+ </span>
            {it}
          </ins>
        ))}
      </>
    );
  }
  return (
    <>
      {before && (
        <>
          <VisuallyHidden>was </VisuallyHidden>
          <del>{before}</del>
        </>
      )}
      {before && after && <span aria-hidden> → </span>}
      {before && !after && <span className={classes.gone}> is gone</span>}
      {after && (
        <>
          <VisuallyHidden>{before ? ', is ' : 'is '}</VisuallyHidden>
          <ins>{after}</ins>
        </>
      )}
    </>
  );
}

function fewOf(list: string[]): string[] {
  return list.length <= NAMED ? list : [...list.slice(0, NAMED - 1), `${list.length - NAMED + 1} more`];
}

interface SidesProps {
  lines: Line[];
  /** What each side is; the first says what the lines call “before”. */
  sides: [ReactNode, ReactNode];
}

/** What differs between two sides of which neither is older: a column for each. */
export function Sides({ lines, sides }: SidesProps) {
  return (
    <div className={classes.within}>
      {/* Where it is narrow its cells are laid out otherwise, which would take the roles of a `table` away. */}
      <div role="table" className={classes.sides}>
        <div role="rowgroup">
          <div role="row" className={classes.heads}>
            <div role="columnheader">
              <VisuallyHidden>What</VisuallyHidden>
            </div>
            <div role="columnheader">
              {sides[0]}
            </div>
            <div role="columnheader">
              {sides[1]}
            </div>
          </div>
        </div>
        <div role="rowgroup">
          {lines.map(({ name, before, after, went, came }) => (
            <div key={`${name} ${before} ${after}`} role="row" className={classes.row}>
              <div role="rowheader">
                {name}
              </div>
              <div role="cell">{sideOf(before, went)}</div>
              <div role="cell">{sideOf(after, came)}</div>
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

/** All of it where it is short; of a long list what the other side has not. */
function sideOf(said: string, alone: string[] | undefined): ReactNode {
  if (alone && said.length > 200) return alone.length > 0 ? `only here: ${fewOf(alone).join(', ')}` : 'nothing of its own';
  return said || <span className={classes.gone}>–</span>;
}
