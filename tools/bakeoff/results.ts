import type { Robustness } from '@forgelens/report';
import type { MetricsRecord } from '@forgelens/train';
import { decimals, markdownTable, percent } from '../markdown.ts';
import type { ModelReport } from '../models/scores.ts';

/** What a network made of the budget. */
export interface Result {
  readonly title: string;
  readonly parameters: number;
  /** Of the training steps. */
  readonly records: readonly MetricsRecord[];
  /** Pictures in a step. */
  readonly batch: number;
  readonly report: ModelReport;
  readonly robustness: Robustness | null;
}

/** Minutes spent on training steps up to and with each record. */
export function minutesOf({ records, batch }: Pick<Result, 'records' | 'batch'>): readonly number[] {
  let minutes = 0;
  return records.map(record => (minutes += record.kind === 'step' ? batch / record.imagesPerSecond / 60 : 0));
}

/** The tables of a bake-off: what the budget bought, the scores of each set, and those after degradations. */
export function bakeoffTables(results: readonly Result[]): string {
  const [first] = results;
  if (first === undefined) return '';
  const sets = Object.entries(first.report.sets);
  const tampered = sets.filter(([, set]) => set.tampered.images > 0).map(([name]) => name);
  const authentic = sets.filter(([, set]) => set.authentic.images > 0).map(([name]) => name);
  const count = (name: string, kind: 'tampered' | 'authentic') => first.report.sets[name]![kind].images;
  const levels = (robustness: Robustness | null) => robustness?.series.flatMap(series => series.levels) ?? [];
  return [
    markdownTable(
      ['Network', 'Parameters', 'MB in float16', 'Steps', 'Pictures', 'Minutes', 'Loss at last'],
      results.map(result => {
        const losses = result.records.flatMap(record => (record.kind === 'step' ? [record.loss] : []));
        const last = losses.slice(-Math.max(1, Math.round(losses.length / 10)));
        return [
          result.title,
          `${(result.parameters / 1e6).toFixed(1)} M`,
          ((2 * result.parameters) / 1e6).toFixed(1),
          String(losses.length),
          String(losses.length * result.batch),
          (minutesOf(result).at(-1) ?? 0).toFixed(1),
          (last.reduce((sum, loss) => sum + loss, 0) / last.length).toFixed(3),
        ];
      }),
    ),
    markdownTable(
      ['Network', 'Held-out F1 after so many minutes'],
      results.map(result => {
        const minutes = minutesOf(result);
        const seen = result.records.flatMap((record, i) =>
          record.kind === 'validation' ? [`${minutes[i]!.toFixed(1)}: ${decimals(record.f1)}`] : [],
        );
        return [result.title, seen.join(', ')];
      }),
    ),
    markdownTable(
      [
        'F1 at 0.5, mean of the tampered images [95 %]',
        ...tampered.map(name => `${name} (${count(name, 'tampered')})`),
        ...authentic.map(name => `false-alarm area, ${name} (${count(name, 'authentic')})`),
      ],
      [
        ...results.map(({ title, report }) => [
          title,
          ...tampered.map(name => {
            const { tampered: scores, intervals } = report.sets[name]!;
            const interval = intervals['f1.perImage'];
            return `${decimals(scores.f1.perImage)}${interval ? ` [${decimals(interval.low)}, ${decimals(interval.high)}]` : ''}`;
          }),
          ...authentic.map(name => percent(report.sets[name]!.authentic.falseAlarmArea)),
        ]),
        [
          'marking everything',
          ...tampered.map(name => decimals(first.report.sets[name]!.tampered.markEverything.perImage)),
          ...authentic.map(() => '100.0 %'),
        ],
      ],
    ),
    markdownTable(
      ['Pixel AUC, mean of the tampered images', ...tampered],
      results.map(({ title, report }) => [
        title,
        ...tampered.map(name => decimals(report.sets[name]!.tampered.auc.perImage)),
      ]),
    ),
    first.robustness === null
      ? ''
      : markdownTable(
          ['F1 of all sets together', 'untouched', ...levels(first.robustness).map(({ chain }) => chain)],
          results.map(({ title, robustness }) => [
            title,
            decimals(robustness?.untouched.f1.value ?? null),
            ...levels(robustness).map(({ overall }) => decimals(overall.f1.value ?? null)),
          ]),
        ),
  ]
    .filter(text => text !== '')
    .join('\n\n');
}
