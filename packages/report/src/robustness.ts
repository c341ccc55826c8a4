import type { DataSelection, Excluded, ScoredModel } from '@forgelens/evaluate';
import type { Degradation } from '@forgelens/imaging';
import { formatDegradations } from '@forgelens/imaging';
import type { Estimates, ScoredImage } from './measures.ts';
import { estimate, estimateDifference } from './measures.ts';

/** A degradation in some strengths. */
export interface Series {
  readonly name: string;
  readonly levels: readonly Level[];
}

/** What is done to the images at one point of a curve. */
export interface Level {
  /** Its place on the curve, or its name. */
  readonly value: number | string;
  readonly chain: readonly Degradation[];
}

/** One image after one degradation; `chain` is as of `formatDegradations`. */
export type DegradedImage = { readonly chain: string } & (ScoredImage | Excluded);

/** Who was measured on what, and how: results of other ones are not comparable. */
export interface RobustnessRun {
  readonly software: { readonly name: string; readonly version: string };
  readonly model: ScoredModel;
  readonly data: DataSelection;
  readonly manifestSha256: string;
  /** Of noise and of places. */
  readonly seed: string;
}

/** How a model stands degradations. */
export interface Robustness extends RobustnessRun {
  readonly schemaVersion: 1;
  /** The images as they are. */
  readonly untouched: Estimates;
  readonly series: readonly MeasuredSeries[];
  readonly excluded: readonly (Excluded & { readonly chain: string })[];
}

export interface MeasuredSeries {
  readonly name: string;
  readonly levels: readonly MeasuredLevel[];
}

export interface MeasuredLevel {
  readonly value: number | string;
  /** As of `formatDegradations`. */
  readonly chain: string;
  readonly overall: Estimates;
  /** Less those of the same images untouched. */
  readonly difference: Estimates;
}

/** The chain of the images as they are, as `formatDegradations` writes it. */
export const untouched = formatDegradations([]);

/** Sums up degraded images: those of every level, and those of the chain `none`. */
export function sumUpRobustness(
  run: RobustnessRun,
  series: readonly Series[],
  images: readonly DegradedImage[],
): Robustness {
  const byChain = new Map<string, ScoredImage[]>();
  const excluded: (Excluded & { chain: string })[] = [];
  for (const image of images) {
    if ('error' in image) excluded.push(image);
    else byChain.set(image.chain, [...(byChain.get(image.chain) ?? []), image]);
  }
  const of = (chain: string) => byChain.get(chain) ?? [];
  return {
    schemaVersion: 1,
    ...run,
    untouched: estimate(of(untouched)),
    series: series.map(({ name, levels }) => ({
      name,
      levels: levels.map(({ value, chain: steps }) => {
        const chain = formatDegradations(steps);
        return {
          ...{ value, chain, overall: estimate(of(chain)) },
          difference: estimateDifference(of(chain), of(untouched)),
        };
      }),
    })),
    excluded,
  };
}
