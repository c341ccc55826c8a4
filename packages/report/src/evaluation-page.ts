import type { Measured, ProtocolResult, Report, SetReport } from '@forgelens/evaluate';
import type { Interval } from '@forgelens/metrics';
import { falseAlarmArea, poolingRules } from '@forgelens/metrics';
import type { Line } from './charts.ts';
import { barChart, lineChart } from './charts.ts';
import type { Exhibits } from './exhibits.ts';
import { showExhibits } from './exhibits.ts';
import { count, decimals, percent, range, toCsv } from './format.ts';
import type { Column, Html } from './html.ts';
import { definitions, figureOf, html, section, table } from './html.ts';
import { page } from './page.ts';
import { describeData, describeModel, excludedTable } from './provenance.ts';

/** What a page shows beside the report. */
export interface EvaluationContext {
  /** The line that made the report. */
  readonly command: string;
  readonly exhibits?: Exhibits;
}

/** A report as a page of HTML that needs nothing else. */
export function evaluationPage(report: Report, { command, exhibits }: EvaluationContext): string {
  const { model, data, overall, protocol } = report;
  return page(
    `${model.id} on ${data.path}`,
    `${count(overall.samples, 'image')}: ${overall.tampered.images} tampered and ${overall.authentic.images} authentic scored, ${overall.excluded} excluded. By the protocol “${protocol.title}”.`,
    html`<div class="figures">${figures(overall)}</div>
      <p class="aside">
        Intervals are of 95 %, by bootstrap over images. Numbers are only comparable with numbers of the same protocol
        and the same list of images.
      </p>`,
    section('Set by set', tamperedTable(report), authenticTable(report), detectionTable(overall)),
    section('Curves', curves(overall), histograms(report)),
    section('By every protocol', protocolTables(report), protocolNotes(report.protocols)),
    section('Best and worst', exhibits ? showExhibits(exhibits) : null),
    section('Excluded', excludedTable(report.excluded)),
    section(
      'Provenance',
      definitions([
        ...describeModel(model),
        ...describeData(report),
        ['Protocol', `${protocol.name}, version ${protocol.version}`],
        ['Software', `${report.software.name} ${report.software.version}`],
        ['Command', html`<code>${command}</code>`],
      ]),
    ),
  );
}

function figures({ tampered, authentic, detection, intervals }: SetReport): Html[] {
  const byModel = detection.model;
  const between = (interval: Interval | null, write = decimals) =>
    interval ? html`${range(interval, write)}<br />` : null;
  return [
    tampered.images > 0
      ? [
          figureOf(
            'F1 at 0.5, mean of the tampered images',
            decimals(tampered.f1.perImage),
            html`${between(intervals['f1.perImage'])}marking everything: ${decimals(tampered.markEverything.perImage)}`,
          ),
          figureOf(
            'F1 at 0.5, pooled pixels',
            decimals(tampered.f1.pooled),
            html`${between(intervals['f1.pooled'])}marking everything: ${decimals(tampered.markEverything.pooled)}`,
          ),
          figureOf(
            'AUC of pixels, mean of the images',
            decimals(tampered.auc.perImage),
            html`${between(intervals['auc.perImage'])}chance: 0.500`,
          ),
        ]
      : [],
    authentic.images > 0
      ? figureOf(
          'False-alarm area on authentic images',
          percent(authentic.falseAlarmArea),
          html`${between(intervals.falseAlarmArea, percent)}${authentic.imagesFlagged} of ${authentic.images} images
          have a flagged pixel`,
        )
      : [],
    byModel && byModel.auc !== null
      ? figureOf(
          'AUC of images, by the model’s score',
          decimals(byModel.auc),
          html`${between(byModel.aucInterval)}tampered against authentic; chance: 0.500`,
        )
      : [],
  ].flat();
}

type SetRow = readonly [name: string, set: SetReport];

/** The sets, and all of them together where there are several. */
const setRows = ({ sets, overall }: Report): SetRow[] =>
  Object.keys(sets).length > 1 ? [...Object.entries(sets), ['all', overall]] : Object.entries(sets);

/** The line of all sets together stands out. */
const setColumn: Column<SetRow> = {
  title: 'Set',
  cell: ([name]) => (name === 'all' ? html`<strong>all</strong>` : name),
};

const number = <Row>(title: string, cell: Column<Row>['cell']): Column<Row> => ({ title, cell, isNumber: true });

const withInterval = (value: number | null, interval: Interval | null, write = decimals): Html =>
  html`${write(value)}${interval ? html` <small>${range(interval, write)}</small>` : null}`;

function tamperedTable(report: Report): Html | null {
  // A set of which nothing could be scored has its line too.
  const rows = setRows(report).filter(([, set]) => set.tampered.images > 0 || set.authentic.images === 0);
  if (rows.length === 0) return null;
  const both = (
    title: string,
    pick: (tampered: SetReport['tampered']) => { perImage: number | null; pooled: number | null },
  ) => [
    number<SetRow>(title, ([, { tampered }]) => decimals(pick(tampered).perImage)),
    number<SetRow>(`${title}, pooled`, ([, { tampered }]) => decimals(pick(tampered).pooled)),
  ];
  return table<SetRow>(
    'Tampered images at the fixed threshold 0.5: the mean of the images, and the value of their pooled pixels. The last columns are what marking everything scores, and the F1 of each image’s own best threshold, an oracle.',
    [
      setColumn,
      number('Images', ([, set]) => set.tampered.images),
      number('F1', ([, set]) => withInterval(set.tampered.f1.perImage, set.intervals['f1.perImage'])),
      number('F1, pooled', ([, set]) => withInterval(set.tampered.f1.pooled, set.intervals['f1.pooled'])),
      ...both('IoU', ({ iou }) => iou),
      ...both('AUC', ({ auc }) => auc),
      number('Floor', ([, { tampered }]) => decimals(tampered.markEverything.perImage)),
      number('F1, oracle', ([, { tampered }]) => decimals(tampered.f1AtBestThreshold.ofEachImage)),
    ],
    rows,
  );
}

function authenticTable(report: Report): Html | null {
  const rows = setRows(report).filter(([, set]) => set.authentic.images > 0);
  if (rows.length === 0) return null;
  return table<SetRow>(
    'Authentic images: every flagged pixel is a false alarm.',
    [
      setColumn,
      number('Images', ([, set]) => set.authentic.images),
      number('False-alarm area', ([, set]) =>
        withInterval(set.authentic.falseAlarmArea, set.intervals.falseAlarmArea, percent),
      ),
      number('Specificity', ([, set]) => withInterval(set.authentic.specificity, set.intervals.specificity)),
      number('Images with a flagged pixel', ([, set]) => set.authentic.imagesFlagged),
    ],
    rows,
  );
}

function detectionTable({ detection }: SetReport): Html | null {
  const rows = Object.entries(detection).filter(([, { auc }]) => auc !== null);
  if (rows.length === 0) return null;
  const rules: Readonly<Record<string, string>> = { model: 'the model’s own score', ...poolingRules };
  return table<(typeof rows)[number]>(
    'Tampered or authentic, over all sets, by one score of each image. An image is called tampered above 0.5; where scores are not calibrated for that, read the columns without a threshold.',
    [
      { title: 'Score of the image', cell: ([rule]) => rules[rule] ?? rule },
      number('AUC', ([, found]) => withInterval(found.auc, found.aucInterval)),
      number('AP', ([, found]) => decimals(found.averagePrecision)),
      number('Balanced accuracy', ([, found]) => decimals(found.balancedAccuracy)),
      number('Sensitivity', ([, found]) => decimals(found.sensitivity)),
      number('Specificity', ([, found]) => decimals(found.specificity)),
      number('Sensitivity at 5 % false alarms', ([, found]) => decimals(found.sensitivityAtFalseAlarms['5 %'])),
    ],
    rows,
  );
}

function curves({ curve, tampered }: SetReport): Html | null {
  if (curve.length === 0) return null;
  const share =
    curve.find(({ recall, falsePositiveRate }) => recall === 1 && falsePositiveRate === 1)?.precision ?? null;
  const fraction = { min: 0, max: 1 };
  const roc: Line[] = [
    { name: 'the model', points: curve.map(({ falsePositiveRate, recall }) => [falsePositiveRate, recall]) },
    {
      name: 'chance',
      reference: 'grey',
      points: [
        [0, 0],
        [1, 1],
      ],
    },
  ];
  const precisionRecall: Line[] = [
    { name: 'the model', points: curve.map(({ recall, precision }) => [recall, precision]) },
    {
      name: 'chance',
      reference: 'grey',
      points: [
        [0, share],
        [1, share],
      ],
    },
  ];
  return html`<div class="charts">
    ${lineChart(
      {
        title: 'ROC curve of the pixels of the tampered images',
        text: `AUC ${decimals(tampered.auc.pooled)} of the pooled pixels.`,
        x: { name: 'False-positive rate', ...fraction },
        y: { name: 'Recall', ...fraction },
      },
      roc,
    )}
    ${lineChart(
      {
        title: 'Precision and recall of the same pixels',
        text: `Average precision ${decimals(tampered.averagePrecision.pooled)} of the pooled pixels; chance is ${decimals(share)}, the tampered share of them.`,
        x: { name: 'Recall', ...fraction },
        y: { name: 'Precision', ...fraction },
      },
      precisionRecall,
    )}
  </div>`;
}

function histograms({ overall, images }: Report): Html {
  const { histogram } = overall;
  const total = (kind: 'tampered' | 'authentic') => histogram.reduce((sum, bin) => sum + bin[kind], 0);
  const pixels = (kind: 'tampered' | 'authentic'): Line | [] => {
    const all = total(kind);
    if (all === 0) return [];
    const shares = histogram.map((bin): [number, number | null] => [bin.from, bin[kind] / all || null]);
    return { name: `${kind} pixels`, isStepped: true, points: [...shares, [1, shares.at(-1)![1]]] };
  };
  const above = (kind: 'tampered' | 'authentic') =>
    percent(histogram.filter(({ from }) => from >= 0.5).reduce((sum, bin) => sum + bin[kind], 0) / total(kind));
  const bins = 10;
  const scores = (label: 0 | 1) => {
    const those = images.filter(image => image.label === label);
    return Array.from(
      { length: bins },
      (_, bin) => those.filter(({ score }) => Math.min(bins - 1, Math.floor(score * bins)) === bin).length,
    );
  };
  return html`<div class="charts">
    ${lineChart(
      {
        title: 'Probabilities of the pixels of all images',
        text: `Share of each kind of pixel, on a logarithmic scale. At or above 0.5 are ${total('tampered') > 0 ? `${above('tampered')} of the tampered pixels` : 'no tampered pixels'} and ${total('authentic') > 0 ? `${above('authentic')} of the authentic ones` : 'no authentic ones'}.`,
        x: { name: 'Probability', min: 0, max: 1 },
        y: { name: 'Share of the pixels', isLogarithmic: true, max: 1 },
      },
      [pixels('tampered'), pixels('authentic')].flat(),
    )}
    ${barChart(
      {
        title: 'Scores of the images',
        text: `How many images have the model’s score in each tenth of its range: tampered ${scores(1).join(', ')}; authentic ${scores(0).join(', ')}.`,
        x: { name: 'Image score, lower end', names: Array.from({ length: bins }, (_, i) => (i / bins).toFixed(1)) },
        y: { name: 'Images' },
      },
      [
        { name: 'tampered images', values: scores(1) },
        { name: 'authentic images', values: scores(0) },
      ],
    )}
  </div>`;
}

interface ProtocolRow {
  readonly protocol: string;
  readonly overall: Measured;
  readonly sets: Readonly<Record<string, Measured | undefined>>;
}

function protocolTables({ protocols, sets }: Report): Html | null {
  const names = Object.keys(sets);
  const rows = protocols.flatMap(({ protocol, overall, sets: bySet }) =>
    overall.map((measured, i): ProtocolRow => ({
      protocol: protocol.name,
      overall: measured,
      sets: Object.fromEntries(names.map(name => [name, bySet[name]?.[i]])),
    })),
  );
  if (rows.length === 0) return null;
  const all = table<ProtocolRow>(
    'The same maps by the rules of every protocol that was asked for. The floor is what marking every pixel scores; undefined images are left out of the mean.',
    [
      { title: 'Protocol', cell: ({ protocol }) => protocol },
      { title: 'Number', cell: ({ overall }) => html`${overall.name}${remarks(overall)}` },
      number('Value', ({ overall }) => decimals(overall.value)),
      number('95 % interval', ({ overall }) => range(overall.interval)),
      number('Floor', ({ overall }) => decimals(overall.markEverything)),
      number('Images', ({ overall }) => overall.images),
      number('Undefined', ({ overall }) => overall.undefined),
    ],
    rows,
  );
  if (names.length < 2) return all;
  const bySet = table<ProtocolRow>(
    'The same numbers, set by set.',
    [
      { title: 'Protocol', cell: ({ protocol }) => protocol },
      { title: 'Number', cell: ({ overall }) => overall.name },
      ...names.map(name => number<ProtocolRow>(name, ({ sets: ofSets }) => decimals(ofSets[name]?.value ?? null))),
    ],
    rows,
  );
  return html`${all}
    <details>
      <summary>Set by set</summary>
      ${bySet}
    </details>`;
}

function remarks({ inverted, threshold, errorBound }: Measured): Html | null {
  const said = [
    inverted !== null && `inverse taken of ${inverted}`,
    threshold !== null && `threshold ${decimals(threshold, 2)}`,
    errorBound !== null && errorBound > 0 && `within ${errorBound.toPrecision(1)}`,
  ].filter(remark => remark !== false);
  return said.length > 0 ? html` <small>(${said.join('; ')})</small>` : null;
}

const protocolNotes = (protocols: readonly ProtocolResult[]): Html =>
  html`${protocols.map(
    ({ protocol: { name, title, source, version, quirks, differences } }) =>
      html`<details>
        <summary>${name}, version ${version}: what is particular</summary>
        <p>${title}. Source: ${source}.</p>
        ${
          quirks.length > 0
            ? html`<ul>
                ${quirks.map(quirk => html`<li>${quirk}</li>`)}
              </ul>`
            : null
        }
        ${
          differences.length > 0
            ? html`<p>Where this cannot be what the original does:</p>
                <ul>
                  ${differences.map(difference => html`<li>${difference}</li>`)}
                </ul>`
            : null
        }
      </details>`,
  )}`;

/** One line of CSV for each scored image, with its value by each protocol that has one. */
export const evaluationCsv = ({ images, protocols }: Pick<Report, 'images' | 'protocols'>): string =>
  toCsv(
    images.map(
      ({ id, set, label, counts, f1, iou, auc, averagePrecision, best, score, scores, protocols: values }) => ({
        ...{ set, id, label, ...counts, f1, iou, auc, averagePrecision },
        ...{ bestF1: best?.f1 ?? null, bestThreshold: best?.threshold ?? null },
        falseAlarmArea: label === 0 ? falseAlarmArea(counts) : null,
        score,
        ...Object.fromEntries(Object.entries(scores).map(([rule, value]) => [`score.${rule}`, value])),
        ...Object.fromEntries(
          protocols.flatMap(({ protocol: { name, measures } }) =>
            measures
              .filter(measure => measure.level === 'pixels' && measure.taken === 'per image')
              .map(measure => [`${name}.${measure.name}`, values[name]?.[measure.name] ?? null]),
          ),
        ),
      }),
    ),
  );
