import { VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Instance } from '../../api/schema';
import lines from '../../parts/Lines.module.css';
import { Time } from '../../parts/Time';
import classes from './Instances.module.css';
import { inTime } from './lag';

/** So much of an identifier tells two instances of one application on one host apart. */
const SHORT = 8;

interface InstanceTableProps {
  instances: Instance[];
  /** The environment's newest revision. */
  newest: number;
}

export function InstanceTable({ instances, newest }: InstanceTableProps) {
  return (
    <div className={lines.card}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">Application</th>
            <th scope="col">Runs</th>
            <th scope="col">Lag</th>
            <th scope="col">Last heard</th>
          </tr>
        </thead>
        <tbody>
          {instances.map((instance) => (
            <Row key={instance.instance} instance={instance} newest={newest} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ instance, newest }: { instance: Instance; newest: number }) {
  const { name, app, app_version, sdk, lag_ms, last_seen_at, connected, present } = instance;
  const dim = present ? undefined : true;
  return (
    <tr data-gone={dim}>
      <th scope="row">
        <span className={classes.dot} data-connected={connected} aria-hidden />
        {name}
        <VisuallyHidden>{connected ? ', connected' : ', not connected'}</VisuallyHidden>
        <span className={`${lines.dim} ${classes.about}`}>{[instance.instance !== name && instance.instance.slice(0, SHORT), sdk].filter(Boolean).join(' · ')}</span>
      </th>
      <Cell label="Application">
        {app ?? '–'} {app_version}
      </Cell>
      <Cell label="Runs">
        <Runs revision={instance.revision} newest={newest} />
      </Cell>
      <Cell label="Lag">{lag_ms === null || lag_ms === undefined ? (instance.revision === newest ? 'none' : '–') : inTime(lag_ms)}</Cell>
      <Cell label="Last heard">
        <Time at={last_seen_at} />
      </Cell>
    </tr>
  );
}

/** A cell that names its column where there is no room for columns. */
function Cell({ label, children }: { label: string; children: ReactNode }) {
  return (
    <td data-label={label}>
      <span>{children}</span>
    </td>
  );
}

function Runs({ revision, newest }: { revision: number | null | undefined; newest: number }) {
  if (revision === null || revision === undefined) return <>not told yet</>;
  const behind = newest - revision;
  return (
    <>
      {revision}
      {behind > 0 && <span className={classes.behind}> {behind} behind</span>}
    </>
  );
}
