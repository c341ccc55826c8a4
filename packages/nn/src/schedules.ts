import { UsageError } from '@forgelens/autograd';

/** The learning rate of a step, counted from 0. Pure: resuming needs only the number of the step. */
export type Schedule = (step: number) => number;

/** The same learning rate at every step. */
export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate;

export interface DecayConfig {
  /** The highest learning rate: that of the first step after the warm-up. */
  readonly peak: number;
  /** The learning rate from step `steps` on. */
  readonly minimum?: number;
  /** All steps of the training, warm-up included. */
  readonly steps: number;
  /** Steps in which the rate rises evenly to its peak: step i has (i + 1) / warmupSteps of it. */
  readonly warmupSteps?: number;
}

/** A rise during the warm-up, then the fall from 1 to 0 that `shape` gives over the rest. */
function decay(who: string, config: DecayConfig, shape: (progress: number) => number): Schedule {
  const { peak, minimum = 0, steps, warmupSteps = 0 } = config;
  if (!(warmupSteps >= 0 && warmupSteps < steps))
    throw new UsageError(`${who}: ${warmupSteps} warm-up steps must be fewer than all ${steps} steps`);
  return step => {
    if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
    const progress = Math.min(1, (step - warmupSteps) / (steps - warmupSteps));
    return minimum + (peak - minimum) * shape(progress);
  };
}

/**
 * Half a cosine from the peak to the minimum, as PyTorch's CosineAnnealingLR.
 * Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, without restarts.
 * @throws {UsageError} when the warm-up takes all steps
 */
export const cosine = (config: DecayConfig): Schedule =>
  decay('cosine', config, progress => (1 + Math.cos(Math.PI * progress)) / 2);

/**
 * From the peak to the minimum by (1 − progress)^power, as PyTorch's PolynomialLR; power 0.9 is DeepLab's.
 * @throws {UsageError} when the warm-up takes all steps
 */
export const polynomial = ({ power = 0.9, ...config }: DecayConfig & { readonly power?: number }): Schedule =>
  decay('polynomial', config, progress => (1 - progress) ** power);

/** What a plateau schedule knows: plain data for the checkpoint. */
export interface Plateau {
  readonly rate: number;
  /** The lowest loss so far; null before the first. */
  readonly best: number | null;
  /** Validations since the loss was last lower. */
  readonly waited: number;
}

export const startPlateau = (rate: number): Plateau => ({ rate, best: null, waited: 0 });

/**
 * After a validation: lowers the rate when the loss has not become lower for more than `patience` validations.
 * As PyTorch's ReduceLROnPlateau. For a score, where higher is better, give its negative.
 *
 * @param threshold - by which part of the best loss a lower one must differ to count
 */
export function afterValidation(
  { rate, best, waited }: Plateau,
  loss: number,
  { factor = 0.1, patience = 10, minimum = 0, threshold = 1e-4 } = {},
): Plateau {
  if (best === null || loss < best - threshold * Math.abs(best)) return { rate, best: loss, waited: 0 };
  if (waited < patience) return { rate, best, waited: waited + 1 };
  return { rate: Math.max(minimum, rate * factor), best, waited: 0 };
}
