import type { MetricsRecord } from '@forgelens/train';
import { alignColumns } from '../bench/report.ts';

/** What a training recorded, and which variant it was. */
export interface Run {
  readonly variant: string;
  readonly records: readonly MetricsRecord[];
}

/** The last so many steps whose mean loss is shown. */
const lastSteps = 20;

/** A table, a line for each variant: loss, F1 and AUC as mean ± standard deviation of its runs. */
export function summarizeRuns(runs: readonly Run[]): readonly string[] {
  const rows = [...new Set(runs.map(({ variant }) => variant))].map(variant => {
    const its = runs.filter(run => run.variant === variant).map(({ records }) => records);
    const validations = its.map(records => records.findLast(({ kind }) => kind === 'validation'));
    const scores = (name: 'f1' | 'auc') =>
      spread(validations.flatMap(record => (record?.kind === 'validation' ? [record[name]] : [])));
    const losses = its.map(records =>
      mean(records.flatMap(r => (r.kind === 'step' ? [r.loss] : [])).slice(-lastSteps)),
    );
    return [variant, String(its.length), spread(losses), scores('f1'), scores('auc')];
  });
  return alignColumns([['variant', 'runs', 'last loss', 'F1', 'AUC'], ...rows]);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean ± standard deviation (n − 1); a dash when a run has no value. */
function spread(values: readonly (number | null)[]): string {
  const known = values.filter(value => value !== null);
  if (known.length < values.length || known.length === 0) return '–';
  const centre = mean(known);
  if (known.length === 1) return centre.toFixed(3);
  const variance = known.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (known.length - 1);
  return `${centre.toFixed(3)} ± ${Math.sqrt(variance).toFixed(3)}`;
}
