import { NativeSelect } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Environment } from '../../api/schema';
import { useComparison } from '../../data/comparison';
import { useEnvironments } from '../../data/environments';
import { useOverview } from '../../data/flags';
import { useProject } from '../../data/place';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import { Page } from '../../parts/Page';
import classes from './Compare.module.css';
import { Differences } from './Differences';
import { type Pair, readPair } from './route';

/** Two environments side by side: what would change in one if the other's settings were taken over. */
export function ComparePage() {
  const project = useProject();
  const environments = useEnvironments(project);
  return (
    <Page title="Compare" lead="What would change in one environment if the settings of another were taken over.">
      {environments.isPending && <Loading />}
      {environments.error && !environments.data && (
        <Failure error={environments.error} again={() => void environments.refetch()} />
      )}
      {environments.data && <Comparison project={project} environments={environments.data} />}
    </Page>
  );
}

function Comparison({ project, environments }: { project: string; environments: Environment[] }) {
  const pair = useSearch({ from: '/projects/$project/compare', select: readPair });
  const navigate = useNavigate();
  const find = (key: string | undefined) => environments.find((it) => it.key === key);
  const from = find(pair.from) ?? environments.at(-2) ?? environments[0];
  const to = find(pair.to) ?? environments.at(-1);
  const overview = useOverview(project);
  const comparison = useComparison(project, from?.key, to?.key);
  const choose = (next: Pair) =>
    void navigate({
      from: '/projects/$project/compare',
      to: '.',
      search: ({ environment }) => ({ environment, from: from?.key, to: to?.key, ...next }),
      replace: true,
    });
  if (!from || !to || environments.length < 2) {
    return <Empty title="There is nothing to compare">It takes two environments that you may see.</Empty>;
  }
  return (
    <>
      <div className={classes.pair}>
        <Choice label="Take over from" value={from} environments={environments} choose={(from) => choose({ from })} />
        <Choice label="Into" value={to} environments={environments} choose={(to) => choose({ to })} />
      </div>
      {from.key === to.key && <Empty title="These are the same">Choose two environments.</Empty>}
      {from.key !== to.key && (comparison.isPending || overview.isPending) && <Loading />}
      {comparison.error && !comparison.data && (
        <Failure error={comparison.error} again={() => void comparison.refetch()} />
      )}
      {comparison.data && !overview.isPending && from.key !== to.key && (
        <Differences
          key={`${from.key} ${to.key}`}
          project={project}
          from={from}
          to={to}
          difference={comparison.data}
          flags={overview.data?.flags ?? []}
        />
      )}
    </>
  );
}

interface ChoiceProps {
  label: string;
  value: Environment;
  environments: Environment[];
  choose: (key: string) => void;
}

function Choice({ label, value, environments, choose }: ChoiceProps) {
  return (
    <NativeSelect
      label={label}
      value={value.key}
      onChange={(event) => choose(event.currentTarget.value)}
      data={environments.map(({ key, name }) => ({ value: key, label: name || key }))}
    />
  );
}
