import type { DegradationName } from '@forgelens/imaging';
import { degradations } from '@forgelens/imaging';
import type { Line } from './charts.ts';
import { lineChart } from './charts.ts';
import { differenceCell, estimateCell, flat, formatOf, verdict } from './comparison-page.ts';
import { count, range, signed, toCsv } from './format.ts';
import type { Html } from './html.ts';
import { definitions, figureOf, html, section, table } from './html.ts';
import type { MeasureName } from './measures.ts';
import { measureNames, measures } from './measures.ts';
import { page } from './page.ts';
import { describeData, describeModel, excludedTable } from './provenance.ts';
import type { MeasuredLevel, MeasuredSeries, Robustness } from './robustness.ts';

/** How a model stands degradations, as a page of HTML that needs nothing else. */
export function robustnessPage(report: Robustness, { command }: { readonly command: string }): string {
  const { model, data, series, excluded, software, seed } = report;
  const levels = series.flatMap(of => of.levels);
  return page(
    `Robustness of ${model.id} on ${data.path}`,
    `${count(report.untouched.imageAuc.images, 'image')}, untouched and after ${count(levels.length, 'degradation')}. At the fixed threshold 0.5.`,
    html`<div class="figures">${figures(report)}</div>
      <p class="aside">
        Each picture is degraded, then looked at; where a degradation changes its size or cuts it, its truth is changed
        alike, and the map is scored at the new size. The dotted line is the value of the untouched images. Intervals
        are of 95 %, by bootstrap over images.
      </p>`,
    ...series.map(of => section(of.name, charts(report, of), levelsTable(report, of))),
    section('Excluded', excludedTable(excluded, [{ title: 'Degradation', cell: ({ chain }) => chain }])),
    section(
      'Provenance',
      definitions([
        ...describeModel(model),
        ...describeData(report),
        ['Seed', seed],
        ['Software', `${software.name} ${software.version}`],
        ['Command', html`<code>${command}</code>`],
      ]),
    ),
  );
}

const unitOf = (name: string): string | null =>
  Object.hasOwn(degradations, name) ? degradations[name as DegradationName].unit : null;

function figures({ untouched, series }: Robustness): Html[] {
  const name = untouched.f1.value !== null ? 'f1' : 'falseAlarmArea';
  const format = formatOf(name);
  const all = series.flatMap(({ levels }) => levels.filter(({ overall }) => overall[name].value !== null));
  const [worst] = [...all].sort((a, b) => {
    const [one, two] = [a.overall[name].value!, b.overall[name].value!];
    return measures[name].isGain ? one - two : two - one;
  });
  const hurts = all.filter(({ difference }) => verdict(name, difference[name]) === 'worse');
  return [
    figureOf(
      `${measures[name].title}, untouched`,
      format(untouched[name].value),
      range(untouched[name].interval, format),
    ),
    worst
      ? [
          figureOf(
            `${measures[name].title}, at its worst`,
            format(worst.overall[name].value),
            `${worst.chain}: ${signed(worst.difference[name].value, format)} (${range(worst.difference[name].interval, difference => signed(difference, format))})`,
          ),
          figureOf(
            'Degradations that make it worse',
            `${hurts.length} of ${all.length}`,
            'by an interval of the paired difference that leaves out 0',
          ),
        ]
      : [],
  ].flat();
}

/** Chart and table show the measures that the images define. */
const definedIn = ({ untouched }: Robustness): MeasureName[] =>
  measureNames.filter(name => untouched[name].value !== null);

/** A curve needs two points. */
function charts(report: Robustness, series: MeasuredSeries): Html | null {
  if (series.levels.length < 2) return null;
  const names = definedIn(report);
  const ranking = names.filter(name => name !== 'falseAlarmArea' && name !== 'iou');
  return html`<div class="charts">
    ${ranking.length > 0 ? chart(report, series, ranking, 'F1 and AUC', { min: 0, max: 1 }) : null}
    ${names.includes('falseAlarmArea') ? chart(report, series, ['falseAlarmArea'], 'False-alarm area', { min: 0 }) : null}
  </div>`;
}

function chart(
  report: Robustness,
  { name, levels }: MeasuredSeries,
  shown: readonly MeasureName[],
  title: string,
  y: { readonly min: number; readonly max?: number },
): Html {
  const isNumeric = levels.every(({ value }) => typeof value === 'number');
  const names = isNumeric ? undefined : levels.map(({ value }) => String(value));
  const places = levels.map(({ value }, i) => (isNumeric ? (value as number) : i));
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const lines = shown.map((measure): Line => ({
    name: measures[measure].title,
    isMarked: true,
    points: levels
      .map(({ overall }, i): [number, number | null] => [places[i]!, overall[measure].value])
      .sort(([a], [b]) => a - b),
  }));
  const references = shown.map((measure, i): Line => ({
    name: measures[measure].title,
    reference: i,
    points: [low, high].map(x => [x, report.untouched[measure].value]),
  }));
  return lineChart(
    {
      title: `${title} after ${name}`,
      text: `${shown
        .map(measure => `${measures[measure].title}: untouched ${formatOf(measure)(report.untouched[measure].value)}`)
        .join('; ')}; the values are in the table below.`,
      x: { name, names, ...(low < high ? { min: low, max: high } : {}) },
      y: { name: shown.length === 1 ? measures[shown[0]!].title : 'Value', ...y },
    },
    [...lines, ...references],
  );
}

function levelsTable(report: Robustness, series: MeasuredSeries): Html {
  const names = definedIn(report);
  const unit = unitOf(series.name);
  return table<MeasuredLevel | null>(
    `${unit ? `${series.name}: ${unit}. ` : ''}Beneath each value its paired difference from the untouched images, with its interval.`,
    [
      {
        title: series.name,
        cell: level => (level === null ? 'untouched' : html`${level.value}${chainNote(series, level)}`),
      },
      ...names.map(name => ({
        title: measures[name].title,
        isNumber: true,
        cell: (level: MeasuredLevel | null) =>
          level === null
            ? estimateCell(report.untouched[name], formatOf(name))
            : differenceCell(name, level.overall[name], level.difference[name]),
      })),
    ],
    [null, ...series.levels],
  );
}

const chainNote = ({ name }: MeasuredSeries, { value, chain }: MeasuredLevel): Html | null =>
  chain === `${name}=${value}` || chain === String(value) ? null : html` <small>${chain}</small>`;

/** One line of CSV for each degradation and number. */
export const robustnessCsv = ({ untouched, series }: Robustness): string =>
  toCsv(
    [
      { series: '', value: '', chain: 'none', overall: untouched, difference: null },
      ...series.flatMap(({ name, levels }) => levels.map(level => ({ series: name, ...level }))),
    ].flatMap(({ series, value: level, chain, overall, difference }) =>
      measureNames.map(measure => ({
        ...{ series, level, chain, measure, ...flat('', overall[measure]) },
        ...flat('difference', difference?.[measure] ?? null),
      })),
    ),
  );
