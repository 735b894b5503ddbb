import { Text } from '@mantine/core';
import { quoted } from '../../api/problem';
import type { Confidence, Finding } from '../../api/schema';
import { KEPT, STAGES } from '../../data/stages';
import { VERDICTS } from '../../data/stale';
import { Code } from '../../parts/Code';
import { Key } from '../../parts/Key';
import lines from '../../parts/Lines.module.css';
import { withTimes } from '../../parts/instants';
import { LinkText } from '../../parts/links';
import { Time } from '../../parts/Time';
import classes from './Stale.module.css';

interface FindingLineProps {
  project: string;
  finding: Finding;
}

/** How sure the verdict is, as the sum that it is. */
function arithmetic({ total, sum }: Confidence): string {
  const signed = sum.map(({ why, points }, place) => `${points < 0 ? '− ' : place > 0 ? '+ ' : ''}${Math.abs(points)} ${why}`);
  return `${total} % sure: ${signed.join(' ')}`;
}

/** What to do with one flag: the verdict, the reasons, what stands in the way, and the next command. */
export function FindingLine({ project, finding }: FindingLineProps) {
  const { flag, stage, verdict, owner, reasons, blockers, surviving_variant, last_evaluated, next, confidence } = finding;
  const known = stage !== null && stage !== undefined;
  // Of a flag that nothing speaks against, what makes sure says nothing.
  const kept = known && verdict === 'keep' && reasons.length === 0 && confidence.sum.length <= 1;
  return (
    <li className={lines.line}>
      <div className={lines.first}>
        {known ? (
          <LinkText to="/projects/$project/flags/$flag" params={{ project, flag }} className={lines.key}>
            <Key>{flag}</Key>
          </LinkText>
        ) : (
          <span className={lines.key}><Key>{flag}</Key></span>
        )}
        <span className={classes.verdict} data-verdict={verdict}>
          {VERDICTS[verdict]}
        </span>
        <span className={classes.about}>
          {known ? (stage === 'archived' ? 'Archived' : STAGES[stage]) : 'No such flag'}
          {owner && ` · ${owner}`}
          {known && confidence.sum.length === 0 && ` · ${confidence.total} % sure`}
        </span>
      </div>
      {reasons.length > 0 && (
        <ul className={classes.notes}>
          {reasons.map(({ code, detail }) => (
            <li key={code}>{quoted(withTimes(detail))}</li>
          ))}
        </ul>
      )}
      {blockers.length > 0 && (
        <ul className={classes.notes} aria-label="What stands in the way">
          {blockers.map(({ code, detail }) => (
            <li key={code} className={classes.blocker}>
              {quoted(withTimes(detail))}
            </li>
          ))}
        </ul>
      )}
      {kept && (
        <Text size="sm" c="dimmed">
          {KEPT[stage]}
        </Text>
      )}
      {known && !kept && confidence.sum.length > 0 && (
        <Text size="sm" c="dimmed">
          {arithmetic(confidence)}
        </Text>
      )}
      {surviving_variant && (
        <Text size="sm">
          What stays is <b>{surviving_variant}</b>.
        </Text>
      )}
      {last_evaluated && (
        <Text size="sm" c="dimmed">
          Last asked for <Time at={last_evaluated.at} /> by {last_evaluated.app} in {last_evaluated.environment}.
        </Text>
      )}
      {next && (
        <div className={classes.next}>
          <Code text={next} label={`Next command for ${flag}`} />
        </div>
      )}
    </li>
  );
}
