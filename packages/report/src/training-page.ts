import type { MetricsRecord, RunRecord, StepRecord, StoredView, ValidationRecord } from '@forgelens/train';
import type { Line } from './charts.ts';
import { lineChart } from './charts.ts';
import { toDataAddress } from './data-address.ts';
import { count, decimals, percent } from './format.ts';
import type { Html } from './html.ts';
import { definitions, figureOf, html, section } from './html.ts';
import { page } from './page.ts';

/** All that a run folder has on record. */
export interface TrainingRecord {
  readonly run: RunRecord;
  readonly records: readonly MetricsRecord[];
  readonly views: readonly StoredView[];
}

/** A training as a page of HTML that needs nothing else: how it goes, by steps, and what it depends on. */
export function trainingPage({ run, records, views }: TrainingRecord): string {
  const steps = records.filter(record => record.kind === 'step');
  const validations = records.filter(record => record.kind === 'validation');
  const { config, data } = run;
  return page(
    `Training of ${config.model.id}`,
    `${count(steps.length, 'step')} of ${config.steps.toLocaleString('en')}; begun ${moment(run.started)}; ${howItEnded(run)}.`,
    html`<div class="figures">${figures(run, steps, validations)}</div>`,
    section('Curves', steps.length === 0 ? null : curves(steps, validations)),
    section('A few validation pictures over time', views.length === 0 ? null : showViews(views, validations)),
    section(
      'What it depends on',
      definitions([
        ['Data', config.data.index],
        ...Object.entries(data.counts).map(([kind, n]): [string, string] => [words(kind), n.toLocaleString('en')]),
        ['List of samples, SHA-256', html`<code>${data.manifestSha256}</code>`],
        ['Parameters', run.parameters.toLocaleString('en')],
        [
          'Software',
          Object.entries(run.versions)
            .map(([name, version]) => `${name} ${version}`)
            .join(', '),
        ],
        ['Computed on', run.runtime],
      ]),
      html`<details>
        <summary>The whole configuration</summary>
        <pre><code>${JSON.stringify(config, null, 2)}</code></pre>
      </details>`,
    ),
  );
}

function figures(run: RunRecord, steps: readonly StepRecord[], validations: readonly ValidationRecord[]): Html[] {
  const scored = validations.filter(({ f1 }) => f1 !== null);
  const best = scored.reduce<ValidationRecord | null>((a, b) => (b.f1! > (a?.f1 ?? -1) ? b : a), null);
  const last = validations.at(-1);
  const recent = steps.slice(-100);
  const { batch, accumulate = 1 } = run.config;
  const seconds = (record: StepRecord) => (batch * accumulate) / record.imagesPerSecond;
  const training = sum(steps.map(seconds));
  const validating = sum(validations.map(record => record.seconds));
  return [
    best && last
      ? [
          figureOf(
            'Best F1 in validation',
            decimals(best.f1),
            `after step ${best.step.toLocaleString('en')}; ${decimals(last.f1)} after the last`,
          ),
          figureOf('AUC of pixels, last', decimals(last.auc), count(last.tamperedImages, 'tampered image')),
        ]
      : [],
    last && last.falseAlarmArea !== null
      ? figureOf('False-alarm area, last', percent(last.falseAlarmArea), count(last.authenticImages, 'authentic image'))
      : [],
    recent.length > 0
      ? [
          figureOf(
            'Training loss',
            (sum(recent.map(({ loss }) => loss)) / recent.length).toPrecision(3),
            `mean of the last ${count(recent.length, 'step')}`,
          ),
          figureOf(
            'Time',
            duration(training + validating),
            `${((batch * accumulate * steps.length) / training).toPrecision(3)} images/s; ${percent(sum(steps.map(step => step.waitedSeconds)) / training)} of it waiting for pictures; validation ${duration(validating)}`,
          ),
        ]
      : [],
  ].flat();
}

type Points = readonly (readonly [x: number, y: number])[];

function curves(steps: readonly StepRecord[], validations: readonly ValidationRecord[]): Html {
  const x = { name: 'Step', min: 0, max: steps.at(-1)!.step };
  const fraction = { min: 0, max: 1 };
  const of = (value: (record: StepRecord) => number | undefined): Points =>
    thin(steps.flatMap(record => (value(record) === undefined ? [] : [[record.step, value(record)!] as const])));
  const measured = (name: string, value: (record: ValidationRecord) => number | null): Line | [] =>
    validations.some(record => value(record) !== null)
      ? { name, isMarked: true, points: validations.map(record => [record.step, value(record)]) }
      : [];
  const scores = [measured('F1 at 0.5', ({ f1 }) => f1), measured('AUC of pixels', ({ auc }) => auc)].flat();
  const alarms = [measured('false-alarm area', ({ falseAlarmArea }) => falseAlarmArea)].flat();
  const loss = of(record => record.loss);
  const norm = of(record => record.gradientNorm);
  return html`<div class="charts">
    ${lineChart(
      {
        title: 'Training loss',
        text: `From ${loss[0]![1].toPrecision(3)} to ${loss.at(-1)![1].toPrecision(3)}.`,
        x,
        y: { name: 'Loss' },
      },
      smoothed(loss),
    )}
    ${
      scores.length > 0
        ? lineChart(
            { title: 'Validation', text: 'Means of the tampered images.', x, y: { name: 'F1, AUC', ...fraction } },
            scores,
          )
        : null
    }
    ${
      alarms.length > 0
        ? lineChart(
            {
              title: 'False alarms in validation',
              text: 'The part of the authentic images that is flagged.',
              x,
              y: { name: 'Area' },
            },
            alarms,
          )
        : null
    }
    ${lineChart({ title: 'Learning rate', text: 'Of each step.', x, y: { name: 'Learning rate' } }, [
      { name: 'learning rate', points: of(record => record.learningRate) },
    ])}
    ${
      norm.length > 0
        ? lineChart(
            {
              title: 'Norm of the gradients, before clipping',
              text: `Last ${norm.at(-1)![1].toPrecision(3)}.`,
              x,
              y: { name: 'Norm', isLogarithmic: norm.every(([, value]) => value > 0) },
            },
            smoothed(norm),
          )
        : null
    }
  </div>`;
}

/** How many points a line has at most. */
const mostPoints = 300;

/** Means over windows of steps, where there are more steps than a line shows. */
function thin(points: Points): Points {
  const window = Math.ceil(points.length / mostPoints);
  return points.length <= mostPoints
    ? points
    : Array.from({ length: Math.ceil(points.length / window) }, (_, i) => {
        const part = points.slice(i * window, (i + 1) * window);
        return [part.at(-1)![0], sum(part.map(([, y]) => y)) / part.length] as const;
      });
}

/** The running mean over a twentieth of the line, and dotted what it is the mean of. */
function smoothed(points: Points): Line[] {
  const reach = Math.max(1, Math.round(points.length / 40));
  const means = points.map(([x], i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [x, sum(near.map(([, y]) => y)) / near.length] as const;
  });
  return [
    { name: 'running mean', points: means },
    { name: 'steps', points, reference: 0 },
  ];
}

/** At most so many moments of a picture are shown: the first, the last, and some between them. */
const mostMoments = 12;

function showViews(views: readonly StoredView[], validations: readonly ValidationRecord[]): Html {
  const known = new Set(validations.map(({ step }) => step));
  return html`<p class="aside">
      Each row: the picture, its truth (white is tampered), and after some of the validations the map over the picture.
      The more probable, the more of the colour; a white line surrounds what lies above the threshold.
    </p>
    ${views.map(({ picture, truth, maps }) => {
      const moments = spread(
        maps.filter(({ step }) => known.has(step)),
        mostMoments,
      );
      return html`<div class="moments">
        ${thumbnail('image/jpeg', picture, 'picture')} ${thumbnail('image/png', truth, 'truth')}
        ${moments.map(({ step, map }) => thumbnail('image/jpeg', map, `step ${step.toLocaleString('en')}`))}
      </div>`;
    })}`;
}

const thumbnail = (type: string, bytes: Uint8Array, name: string): Html =>
  html`<figure>
    <img src="${toDataAddress(type, bytes)}" alt="${name}" />
    <figcaption>${name}</figcaption>
  </figure>`;

/** At most so many of the items, evenly, with the first and the last. */
const spread = <Item>(items: readonly Item[], most: number): readonly Item[] =>
  items.length <= most
    ? items
    : Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);

const reasons: Readonly<Record<NonNullable<RunRecord['ended']>['why'], string>> = {
  finished: 'finished',
  interrupted: 'interrupted',
  stopAbove: 'ended because the validation F1 was high enough',
  patience: 'ended because the validation F1 no longer rose',
  failed: 'failed',
};

const howItEnded = ({ ended }: RunRecord): string =>
  ended === null
    ? 'not ended yet'
    : `${reasons[ended.why]} after step ${ended.step.toLocaleString('en')}, ${moment(ended.at)}`;

/** 2026-01-31T12:34:56.789Z → 2026-01-31 12:34 UTC */
const moment = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

const duration = (seconds: number): string =>
  seconds < 100
    ? `${seconds.toFixed(0)} s`
    : seconds < 6000
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

/** trainTampered → Train tampered */
const words = (name: string): string =>
  name.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`).replace(/^./, letter => letter.toUpperCase());

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
