/** What the benchmark says: samples in, medians, ratios, and whether the targets are met. */
import { UsageError } from '@forgelens/autograd';
import type { Job } from './jobs.ts';
import { jobs, target } from './jobs.ts';

/** What one side measured of one job. */
export interface Side {
  /** One time for each pair, ms. */
  readonly ms: readonly number[];
  /** Peak of resident memory of the whole process, bytes. */
  readonly peakRssBytes: number;
}

/** A number of ours as a share of PyTorch's, against its target. */
export interface Verdict {
  readonly ratio: number;
  readonly target: number;
  readonly met: boolean;
}

export interface Result {
  readonly job: Job;
  readonly ours: Side;
  readonly pytorch: Side;
  readonly medianMs: { readonly ours: number; readonly pytorch: number };
  /** The least and the greatest ratio of times among the pairs. */
  readonly spread: readonly [least: number, greatest: number];
  /** The ratio is the median of the pairs' ratios. */
  readonly time: Verdict;
  readonly memory: Verdict;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('median: there are no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
}

/** @param ours, pytorch - with one time for each pair, in the same order */
export function compare(job: Job, ours: Side, pytorch: Side): Result {
  const ratios = ours.ms.map((ms, pair) => ms / pytorch.ms[pair]!);
  const verdict = (ratio: number, target: number): Verdict => ({ ratio, target, met: ratio <= target });
  return {
    job,
    ours,
    pytorch,
    medianMs: { ours: median(ours.ms), pytorch: median(pytorch.ms) },
    spread: [Math.min(...ratios), Math.max(...ratios)],
    time: verdict(median(ratios), target),
    memory: verdict(ours.peakRssBytes / pytorch.peakRssBytes, target),
  };
}

/** The jobs of a list of ids, in the list's order; all without a list. @throws {UsageError} when there is no job of an id */
export function chooseJobs(only: string | undefined): readonly Job[] {
  if (only === undefined) return jobs;
  return only.split(',').map(id => {
    const job = jobs.find(job => job.id === id);
    if (job === undefined)
      throw new UsageError(`--only: there is no job "${id}"; there are: ${jobs.map(({ id }) => id).join(', ')}`);
    return job;
  });
}

/** @throws {UsageError} when it is not a whole number of at least 1 */
export function parsePairs(text: string): number {
  const pairs = Number(text);
  if (!Number.isInteger(pairs) || pairs < 1)
    throw new UsageError(`--pairs: "${text}" is not a whole number of at least 1`);
  return pairs;
}

/** The results as lines of a table. */
export function tableOf(results: readonly Result[]): string[] {
  const head = [
    'job',
    'ours ms',
    'PyTorch ms',
    'ratio',
    'spread',
    'target',
    'ours MB',
    'PyTorch MB',
    'ratio',
    'target',
  ];
  const verdict = ({ ratio, target, met }: Verdict): [string, string] => [
    ratio.toFixed(2),
    `${target.toFixed(1)} ${met ? 'met' : 'missed'}`,
  ];
  const megabytes = ({ peakRssBytes }: Side): string => (peakRssBytes / 1e6).toFixed(0);
  const rows = results.map(({ job, ours, pytorch, medianMs, spread, time, memory }) => {
    const [timeRatio, timeTarget] = verdict(time);
    return [
      job.id,
      medianMs.ours.toFixed(0),
      medianMs.pytorch.toFixed(0),
      timeRatio,
      spread.map(ratio => ratio.toFixed(2)).join('–'),
      timeTarget,
      megabytes(ours),
      megabytes(pytorch),
      ...verdict(memory),
    ];
  });
  return alignColumns([head, ...rows]);
}

/** Rows of cells as lines: the first column is aligned to the left, the others to the right. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows.map(row =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  );
}
