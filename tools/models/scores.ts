import { UsageError } from '@forgelens/autograd';
import type { Evaluation } from '@forgelens/evaluate';
import type { ModelCard, OperatingPoint } from '@forgelens/localize';
import type { Interval } from '@forgelens/metrics';
import { decimals, markdownTable, percent } from '../markdown.ts';

/** What `forgelens evaluate --json` prints. */
export interface ModelReport extends Evaluation {
  readonly model: { readonly id: string; readonly version: string; readonly weightsSha256: string };
  readonly data: { readonly split?: string };
}

/** The whole name of a set, such as `dev/casia1_tp`. */
const namedSet = ({ data: { split } }: ModelReport, set: string): string =>
  split === undefined ? set : `${split}/${set}`;

/** The sets of a report by their whole names. */
const namedSets = (report: ModelReport) =>
  Object.entries(report.sets).map(([name, set]) => [namedSet(report, name), set] as const);

/** The scores of a report as a model card lists them. */
export const scoresOf = (report: ModelReport): ModelCard['scores'] =>
  namedSets(report).flatMap(([set, { tampered, authentic }]) => {
    const metrics: [metric: string, value: number | null][] = [
      ['F1 at 0.5, mean of the images', tampered.f1.perImage],
      ['F1 at 0.5, pooled', tampered.f1.pooled],
      ['IoU at 0.5, mean of the images', tampered.iou.perImage],
      ['pixel AUC, mean of the images', tampered.auc.perImage],
      ['false-alarm area at 0.5', authentic.falseAlarmArea],
    ];
    return metrics.flatMap(([metric, value]) => (value === null ? [] : [{ set, metric, value: rounded(value) }]));
  });

/**
 * The scores of a report as tables in Markdown: tampered pictures, then authentic ones.
 * @param point - from which score on a picture counts as one worth a look; those columns are absent without it
 */
export function scoreTables(
  report: ModelReport,
  untrained: ModelReport | null,
  point: Pick<OperatingPoint, 'score'> | null = null,
): string {
  if (untrained && untrained.manifestSha256 !== report.manifestSha256)
    throw new UsageError('the report of the untrained network is on other pictures');
  const tampered = namedSets(report).filter(([, set]) => set.tampered.images > 0);
  const authentic = namedSets(report).filter(([, set]) => set.authentic.images > 0);
  const floor = untrained && new Map(namedSets(untrained));
  const both = ({ perImage, pooled }: { perImage: number | null; pooled: number | null }) =>
    `${decimals(perImage)} / ${decimals(pooled)}`;
  const between = (interval: Interval | null) =>
    interval === null ? 'n/a' : `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`;
  const reaching = (name: string, label: 0 | 1) => {
    const scores = report.images.flatMap(image =>
      image.label === label && namedSet(report, image.set) === name ? [image.score] : [],
    );
    return percent(scores.filter(score => score >= point!.score).length / scores.length);
  };
  return [
    markdownTable(
      [
        ...['Tampered pictures', 'Scored', 'F1', '95 % of F1', 'IoU', 'AUC', 'F1 of marking everything'],
        ...(floor ? ['F1 untrained'] : []),
        ...(point ? ['Worth a look'] : []),
      ],
      tampered.map(([name, { tampered: t, intervals }]) => [
        ...[name, String(t.images), both(t.f1), between(intervals['f1.perImage'])],
        ...[both(t.iou), both(t.auc), both(t.markEverything)],
        ...(floor ? [both(floor.get(name)!.tampered.f1)] : []),
        ...(point ? [reaching(name, 1)] : []),
      ]),
    ),
    markdownTable(
      [
        ...['Authentic pictures', 'Scored', 'False-alarm area', 'Pictures with a flagged pixel'],
        ...(point ? ['Worth a look'] : []),
      ],
      authentic.map(([name, { authentic: a }]) => [
        ...[name, String(a.images), percent(a.falseAlarmArea ?? 0), String(a.imagesFlagged)],
        ...(point ? [reaching(name, 0)] : []),
      ]),
    ),
  ]
    .filter(text => text !== '')
    .join('\n\n');
}

/**
 * Puts text between `<!-- scores -->` and `<!-- /scores -->`.
 * @throws {UsageError} when the markers are not there
 */
export function fillTables(document: string, tables: string): string {
  const place = /(<!-- scores -->).*(<!-- \/scores -->)/s;
  if (!place.test(document)) throw new UsageError('no place for the scores; add <!-- scores --> and <!-- /scores -->');
  return document.replace(place, (_, start: string, end: string) => `${start}\n\n${tables}\n\n${end}`);
}

const rounded = (value: number): number => Number(value.toFixed(4));
