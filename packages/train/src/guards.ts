import { UsageError } from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import type { TrainConfig } from './config.ts';
import type { Ending, MetricsRecord } from './run-folder.ts';

/** The best validation F1, and the step that reached it. */
export interface Best {
  readonly f1: number;
  readonly step: number;
}

export function bestOf(records: readonly MetricsRecord[]): Best | null {
  let best: Best | null = null;
  for (const record of records)
    if (record.kind === 'validation' && record.f1 !== null && record.f1 > (best?.f1 ?? -1))
      best = { f1: record.f1, step: record.step };
  return best;
}

/** Why the last validation ends the training; null where it does not, and after a step. */
export function endsEarly(history: readonly MetricsRecord[], { validation }: TrainConfig): Ending | null {
  const { stopAbove = Infinity, patience = Infinity } = validation;
  const last = history.at(-1);
  if (last?.kind !== 'validation') return null;
  if ((last.f1 ?? 0) > stopAbove) return 'stopAbove';
  const best = bestOf(history);
  const since = history.filter(({ kind, step }) => kind === 'validation' && best !== null && step > best.step);
  return since.length >= patience ? 'patience' : null;
}

/** Steps whose median loss is compared. */
const window = 100;
/** How far above that of the first steps it may be: then the network is much worse than one that has learned nothing. */
const most = 10;

/**
 * Looks at the losses after every hundred steps.
 * @returns what is wrong when they have left the range of a training for good; null otherwise
 */
export function divergence(history: readonly MetricsRecord[], step: number): string | null {
  if (step % window !== 0 || step < 2 * window) return null;
  const losses = history.flatMap(record => (record.kind === 'step' ? [record.loss] : []));
  const [first, now] = [median(losses.slice(0, window)), median(losses.slice(-window))];
  if (!(now > most * first)) return null;
  return `the losses of the last ${window} steps have the median ${now.toPrecision(3)}, that of the first was ${first.toPrecision(3)}`;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** The name of a tensor with a value that is not finite; null where there is none. */
export function firstNotFinite(tensors: Tensors): string | null {
  for (const [name, { data }] of Object.entries(tensors))
    if (data instanceof Float32Array) for (const value of data) if (!Number.isFinite(value)) return name;
  return null;
}

/** The error of a training that has diverged. */
export const diverged = (step: number, what: string, lastGood: string): UsageError =>
  new UsageError(
    `training diverged: after step ${step} ${what}; ${lastGood}; lower optimizer.learningRate, lengthen schedule.warmup or set clip`,
  );
