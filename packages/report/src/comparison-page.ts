import type { Comparison, ComparedModel } from './comparison.ts';
import { lineChart } from './charts.ts';
import { count, decimals, percent, range, signed, toCsv } from './format.ts';
import type { Column, Html } from './html.ts';
import { definitions, html, section, table } from './html.ts';
import type { Estimate, MeasureName } from './measures.ts';
import { measureNames, measures } from './measures.ts';
import { page } from './page.ts';
import { describeData, describeModel } from './provenance.ts';

type Compared = Pick<ComparedModel, 'overall' | 'difference'>;

/** A comparison as a page of HTML that needs nothing else. */
export function comparisonPage(comparison: Comparison, { command }: { readonly command: string }): string {
  const { models, images, leftOut, protocol } = comparison;
  const [first] = models;
  return page(
    `${models.map(({ name }) => name).join(', ')} on ${comparison.data.path}`,
    `${count(images, 'image')} that every model has scored${leftOut.length > 0 ? `; ${leftOut.length} left out` : ''}. By the protocol “${protocol.title}”.`,
    section(
      'All images',
      modelsTable(comparison),
      differencesTable(comparison),
      html`<p class="aside">
        Differences are taken image by image, less “${first!.name}”. The interval is of 95 %, by bootstrap over the same
        images for both models: where it holds 0, these images do not tell the two apart.
      </p>`,
    ),
    section('Curves', curves(comparison)),
    section('Set by set', ...measureNames.map(name => setsTable(comparison, name))),
    section(
      'Left out',
      leftOut.length === 0
        ? null
        : html`<p>Not scored by every model:</p>
            <ul>
              ${leftOut.map(key => html`<li>${key}</li>`)}
            </ul>`,
    ),
    section(
      'Provenance',
      ...models.map(
        ({ name, model, software }) =>
          html`<h3>${name}</h3>
            ${definitions([...describeModel(model), ['Software', `${software.name} ${software.version}`]])}`,
      ),
      html`<h3>All</h3>
        ${definitions([
          ...describeData(comparison),
          ['Protocol', `${protocol.name}, version ${protocol.version}`],
          ['Command', html`<code>${command}</code>`],
        ])}`,
    ),
  );
}

/** How values of a measure are written. */
export const formatOf = (name: MeasureName): ((value: number | null) => string) =>
  name === 'falseAlarmArea' ? percent : decimals;

/** A difference with its interval. */
const differenceOf = (name: MeasureName, { value, interval }: Estimate): [value: string, interval: string] => {
  const write = (difference: number | null) => signed(difference, formatOf(name));
  return [write(value), range(interval, write)];
};

/** A value with its difference from another one, and the interval of that, beneath. */
export function differenceCell(name: MeasureName, value: Estimate, difference: Estimate | null): Html {
  const text = formatOf(name)(value.value);
  if (difference === null) return html`${text}`;
  const [by, between] = differenceOf(name, difference);
  // Two lines where the column is narrow.
  return html`${text} <small><span>${by}</span>${between ? html` <span>(${between})</span>` : null}</small>`;
}

/** A value with its interval beneath. */
export const estimateCell = ({ value, interval }: Estimate, format: (value: number | null) => string): Html =>
  html`${format(value)}${interval ? html` <small>${range(interval, format)}</small>` : null}`;

/** Whether an interval is all on the better or all on the worse side of 0. */
export function verdict(name: MeasureName, { interval }: Estimate): 'better' | 'worse' | 'not told apart' {
  if (interval === null || (interval.low <= 0 && interval.high >= 0)) return 'not told apart';
  return interval.low > 0 === measures[name].isGain ? 'better' : 'worse';
}

/** The measures that these images define. */
const definedIn = ({ models }: Comparison): MeasureName[] =>
  measureNames.filter(name => models.some(({ overall }) => overall[name].value !== null));

function modelsTable(comparison: Comparison): Html {
  const columns = definedIn(comparison).map((name): Column<ComparedModel> => ({
    title: measures[name].title,
    cell: ({ overall }) => estimateCell(overall[name], formatOf(name)),
    isNumber: true,
  }));
  return table(
    'At the fixed threshold 0.5, with intervals of 95 %. F1, IoU and AUC are of the tampered images, the false-alarm area is of the authentic ones, and the AUC of images is of both.',
    [{ title: 'Model', cell: ({ name }) => name }, ...columns],
    comparison.models,
  );
}

function differencesTable(comparison: Comparison): Html {
  const [first, ...others] = comparison.models;
  const rows = others.flatMap(({ name, difference }) =>
    definedIn(comparison).map(measure => ({ name, measure, estimate: difference![measure] })),
  );
  return table<(typeof rows)[number]>(
    `Paired differences from ${first!.name}.`,
    [
      { title: 'Model', cell: ({ name }) => name },
      { title: 'Number', cell: ({ measure }) => measures[measure].title },
      { title: 'Difference', cell: ({ measure, estimate }) => differenceOf(measure, estimate)[0], isNumber: true },
      { title: '95 % interval', cell: ({ measure, estimate }) => differenceOf(measure, estimate)[1], isNumber: true },
      { title: 'Images', cell: ({ estimate }) => estimate.images, isNumber: true },
      { title: 'The model is', cell: ({ measure, estimate }) => verdict(measure, estimate) },
    ],
    rows,
  );
}

function setsTable({ models }: Comparison, measure: MeasureName): Html | null {
  const sets = Object.keys(models[0]!.sets).filter(set =>
    models.some(({ sets }) => sets[set]!.overall[measure].value !== null),
  );
  if (sets.length === 0) return null;
  const cell = ({ overall, difference }: Compared) =>
    differenceCell(measure, overall[measure], difference && difference[measure]);
  return table<string>(
    `${measures[measure].title}, and its paired difference with its interval.`,
    [
      { title: 'Set', cell: set => set },
      { title: 'Images', cell: set => models[0]!.sets[set]!.overall[measure].images, isNumber: true },
      ...models.map(({ name, sets }): Column<string> => ({
        title: name,
        cell: set => cell(sets[set]!),
        isNumber: true,
      })),
    ],
    sets,
  );
}

function curves({ models, leftOut }: Comparison): Html | null {
  // Curves are of all images that a report has scored.
  if (leftOut.length > 0 || models.some(({ curve }) => curve.length === 0)) return null;
  const fraction = { min: 0, max: 1 };
  return html`<div class="charts">
    ${lineChart(
      {
        title: 'ROC curves of the pixels of the tampered images',
        text: 'One line for each model; AUC, mean of the images, is in the table above.',
        x: { name: 'False-positive rate', ...fraction },
        y: { name: 'Recall', ...fraction },
      },
      models.map(({ name, curve }) => ({
        name,
        points: curve.map(({ falsePositiveRate, recall }) => [falsePositiveRate, recall]),
      })),
    )}
    ${lineChart(
      {
        title: 'Precision and recall of the same pixels',
        text: 'One line for each model.',
        x: { name: 'Recall', ...fraction },
        y: { name: 'Precision', ...fraction },
      },
      models.map(({ name, curve }) => ({ name, points: curve.map(({ recall, precision }) => [recall, precision]) })),
    )}
  </div>`;
}

/** One line of CSV for each model, set and number. */
export const comparisonCsv = ({ models }: Comparison): string =>
  toCsv(
    models.flatMap(({ name, overall, difference, sets }) =>
      Object.entries({ all: { overall, difference }, ...sets }).flatMap(([set, numbers]) =>
        measureNames.map(measure => ({
          ...{ model: name, set, measure, ...flat('', numbers.overall[measure]) },
          ...flat('difference', numbers.difference?.[measure] ?? null),
        })),
      ),
    ),
  );

/** An estimate as fields of a line of CSV. */
export const flat = (prefix: string, estimate: Estimate | null): Record<string, number | null> => {
  const named = (field: string) => (prefix === '' ? field : prefix + field[0]!.toUpperCase() + field.slice(1));
  return {
    [named('value')]: estimate?.value ?? null,
    [named('low')]: estimate?.interval?.low ?? null,
    [named('high')]: estimate?.interval?.high ?? null,
    [named('images')]: estimate?.images ?? null,
  };
};
