import { Alert, SegmentedControl, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { ExposureDay } from '../../api/schema';
import { useExposures } from '../../data/exposures';
import { Empty } from '../../parts/Empty';
import { Failure } from '../../parts/Failure';
import { Loading } from '../../parts/Loading';
import type { ContentProps } from './FlagPage';
import classes from './Flag.module.css';

/** How often the flag was evaluated, each day, and what was served. */
export function Evaluations({ place, environment }: ContentProps) {
  const exposures = useExposures(place);
  const [mode, setMode] = useState<'direct' | 'bulk'>('direct');
  if (exposures.error && !exposures.data) {
    return <Failure error={exposures.error} again={() => void exposures.refetch()} />;
  }
  if (!exposures.data) return <Loading rows={5} />;
  const { days, per_day: perDay, truncated } = exposures.data;
  if (days.length === 0) {
    return (
      <Empty title="Nobody has read it yet">
        Applications report once a minute what they evaluated in {environment.name}; it shows here then.
      </Empty>
    );
  }
  const table = tableOf(days, mode);
  return (
    <Stack gap="md">
      <SegmentedControl
        aria-label="Which evaluations"
        style={{ alignSelf: 'flex-start' }}
        value={mode}
        onChange={(mode) => setMode(mode as 'direct' | 'bulk')}
        data={[
          { value: 'direct', label: 'Of this flag' },
          { value: 'bulk', label: 'Of all flags at once' },
        ]}
      />
      {perDay !== null && perDay !== undefined && <Text>{count(perDay)} evaluations a day.</Text>}
      <Plot table={table} />
      <Numbers table={table} />
      {truncated && <Alert color="ink" variant="light">There are more rows by application than are listed.</Alert>}
    </Stack>
  );
}

interface Table {
  days: string[];
  variants: string[];
  /** By variant, then by day. */
  counts: number[][];
}

function tableOf(newestFirst: ExposureDay[], mode: 'direct' | 'bulk'): Table {
  const days = withSilent(newestFirst.toReversed());
  const name = (variant: string | null | undefined) => variant ?? 'the code’s default';
  const variants = [...new Set(days.flatMap(({ variants }) => variants.map(({ variant }) => name(variant))))].sort();
  const served = (day: ExposureDay, wanted: string) =>
    day.variants.find(({ variant }) => name(variant) === wanted)?.[mode] ?? 0;
  return { days: days.map(({ day }) => day), variants, counts: variants.map((it) => days.map((day) => served(day, it))) };
}

/** The days up to today, those without an evaluation as well: silence is what is looked for. */
function withSilent(days: ExposureDay[]): ExposureDay[] {
  const [first] = days;
  if (!first) return [];
  const today = Date.now() / 1_000;
  const told = new Map(days.map((day) => [Date.parse(day.day) / 1_000, day]));
  const all: ExposureDay[] = [];
  for (let at = Date.parse(first.day) / 1_000; at <= today; at += DAY_S) {
    all.push(told.get(at) ?? { day: new Date(at * 1_000).toISOString(), variants: [] });
  }
  return all;
}

const STROKES = ['--hoist-on', '--hoist-off', '--hoist-part', '--hoist-staging', '--hoist-development', '--hoist-production'];
/** What is on and what is off look alike on every page. */
const USUAL: Record<string, string> = { on: '--hoist-on', off: '--hoist-off' };
const HEIGHT = 260;
const DAY_S = 86_400;
/** The plot has so many days at least, so that the first ones stand at its end and not in a void. */
const FEWEST_DAYS = 14;

/** A line for each variant. The numbers stand below it for who cannot see it. */
function Plot({ table }: { table: Table }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--mantine-color-dimmed'),
      grid: { stroke: colour('--hoist-line'), width: 1 },
      ticks: { show: false },
      font: `12px ${getComputedStyle(element).fontFamily}`,
    };
    const seconds = table.days.map((day) => Date.parse(day) / 1_000);
    const last = seconds.at(-1) ?? 0;
    const first = Math.min(seconds[0] ?? last, last - (FEWEST_DAYS - 1) * DAY_S);
    const series = table.variants.map((label, at) => ({
      label,
      stroke: colour(USUAL[label] ?? STROKES[at % STROKES.length] ?? '--hoist-part'),
      width: 2,
      points: { show: true, size: 6 },
      value: (_: UPlot, value: number | null) => (value === null ? '–' : count(value)),
    }));
    const options: UPlot.Options = {
      width: element.clientWidth,
      height: HEIGHT,
      // Days are days, wherever the viewer is.
      tzDate: (at) => UPlot.tzDate(new Date(at * 1_000), 'Etc/UTC'),
      scales: { x: { range: [first - DAY_S / 2, last + DAY_S / 2] }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.08)] } },
      series: [{ label: 'Day', value: (_: UPlot, at: number | null) => (at === null ? '–' : said(at)) }, ...series],
      axes: [
        { ...axis, space: 60, incrs: [1, 2, 7, 14, 30].map((days) => days * DAY_S), values: (_, days) => days.map(said) },
        { ...axis, size: 70, values: (_, values) => values.map((value) => (Number.isInteger(value) ? count(value) : '')) },
      ],
    };
    const plot = new UPlot(options, [seconds, ...table.counts], element);
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [table]);
  return <div ref={box} className={classes.plot} role="img" aria-label="Evaluations by day and variant; the numbers follow" />;
}

const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const said = (seconds: number) => day.format(new Date(seconds * 1_000));

function Numbers({ table }: { table: Table }) {
  const newest = table.days.map((day, at) => [day, at] as const).toReversed();
  return (
    // A wide table scrolls, so the keyboard must reach it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div style={{ overflowX: 'auto' }} tabIndex={0} role="region" aria-label="Evaluations by day">
      <table className={classes.numbers}>
        <thead>
          <tr>
            <th scope="col">Day (UTC)</th>
            {table.variants.map((variant) => (
              <th key={variant} scope="col">
                {variant}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map(([at, place]) => (
            <tr key={at}>
              <th scope="row">{day.format(new Date(at))}</th>
              {table.counts.map((counts, column) => (
                <td key={table.variants[column]}>{count(counts[place] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const count = (number: number) => number.toLocaleString('en');
