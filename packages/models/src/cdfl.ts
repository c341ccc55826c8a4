import type { Value } from '@forgelens/autograd';
import { concat, mul, reduceMean, reshape, scalar, stopGradient, unfold } from '@forgelens/autograd';
import type { Context } from '@forgelens/nn';
import { bceWithLogits } from '@forgelens/nn';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';
import type { PatternNetworkConfig } from './parts/pattern-network.ts';
import {
  FeatureEncoder,
  PatternDecoder,
  featureStride,
  patternNetworkConstants,
  patternNetworkOfficialName,
  publishedSizes,
  requireSize,
} from './parts/pattern-network.ts';
import { walkPixels } from './parts/pixel-graph.ts';
import {
  balancedResidual,
  periodicity,
  periodicityOfCode,
  randomness,
  randomnessOfCode,
} from './parts/window-patterns.ts';

/*
 * CDFL: Cross-Dimensional Forgery Pattern Extraction for Generalizable Forgery Localization Framework.
 * https://github.com/GCLion/CDFL (abstract and code; the abstract is what is meant by "paper" here).
 *
 * Where the paper and the official code differ, `mode` chooses:
 *
 * |             | 'code' (the default: official weights and published numbers come from it) | 'paper' |
 * | windows     | 5 × 5 of the mean of all feature channels         | 16 × 16 pixels of the image, around each feature |
 * | randomness  | entropy of counts, but negative by a lost minus; no gradient | entropy of a linear histogram         |
 * | periodicity | of a 1-D transform of the flattened window: 1 wherever anything varies | share of the strongest wave in a 2-D spectrum, tapered and high-passed |
 *
 * The parameters are the same in both modes.
 *
 * Unlike the paper, in both modes: the encoder starts from random weights unless a checkpoint is loaded.
 */
export interface CdflConfig extends PatternNetworkConfig {
  readonly mode: 'code' | 'paper';
}

/** What CDFL sees in the correlations of pixels; maps [N, 1, h, w] of the features' size. */
export interface CdflPatterns {
  readonly randomness: Value;
  readonly periodicity: Value;
  readonly residual: Value;
}

/** Windows of the official code: 5 × 5 around each feature, of the mean of all channels. */
const featureWindows = (features: Value): Value =>
  unfold(reduceMean(stopGradient(features), [1], { keepDims: true }), 5, { padding: 2 });

/** Windows of the paper: 16 × 16 pixels around each feature, of the mean of red, green and blue. */
const imageWindows = (image: Value): Value =>
  unfold(reduceMean(image, [1], { keepDims: true }), 2 * featureStride, {
    stride: featureStride,
    padding: featureStride / 2,
  });

/**
 * The patterns of an image [N, 3, H, W] in [0, 1], of which only 'paper' knows, and of its features [N, C, h, w], of
 * which only 'code' knows.
 */
export function cdflPatterns(image: Value, features: Value, mode: CdflConfig['mode']): CdflPatterns {
  const windows = mode === 'code' ? featureWindows(features) : imageWindows(image);
  const random = mode === 'code' ? randomnessOfCode(windows) : randomness(windows);
  const periodic = mode === 'code' ? periodicityOfCode(windows) : periodicity(windows);
  const [n, , h, w] = features.shape as readonly [number, number, number, number];
  const asMap = (x: Value) => reshape(x, [n, 1, h, w]);
  return {
    randomness: asMap(random),
    periodicity: asMap(periodic),
    residual: asMap(balancedResidual(periodic, random)),
  };
}

export interface CdflOutput extends LocalizerOutput {
  readonly patterns: CdflPatterns;
  /** Features and patterns of the pixels that are walked through, [N, C + 3, h, w]. */
  readonly pixels: Value;
  /** What the walks see of them, of the same shape. */
  readonly seen: Value;
}

/**
 * CDFL. [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 64. See the table at the top of this file
 * for its two modes.
 */
export class Cdfl implements LocalizerNetwork<CdflOutput> {
  readonly encoder: FeatureEncoder;
  readonly decoder: PatternDecoder;
  readonly mode: CdflConfig['mode'];

  constructor({ mode = 'code', ...sizes }: Partial<CdflConfig> = {}) {
    const { channels, backbone } = { ...publishedSizes, ...sizes };
    this.mode = mode;
    this.encoder = new FeatureEncoder({ backbone, channels });
    // The features, the residual, and what the walk sees of the features and of the three patterns.
    this.decoder = new PatternDecoder(2 * channels + 4, channels, { attention: true });
  }

  forward(image: Value, ctx: Context): CdflOutput {
    const size = requireSize(image, 'CDFL');
    const features = this.encoder.forward(mul(image, scalar(255)), ctx);
    const patterns = cdflPatterns(image, features, this.mode);
    const { periodicity: periodic, randomness: random, residual } = patterns;
    const pixels = concat([features, periodic, random, residual], 1);
    const seen = walkPixels(pixels);
    const logits = this.decoder.forward(concat([features, residual, seen], 1), size, ctx);
    return { logits, patterns, pixels, seen };
  }

  loss({ logits }: CdflOutput, mask: Value): Value {
    return bceWithLogits(logits, mask);
  }
}

export const cdfl: ModelDefinition<CdflOutput> = {
  id: 'cdfl',
  title: 'CDFL on ResNet-101: randomness, periodicity and a walk through similar pixels, attention-assisted U-Net',
  source: 'Cross-Dimensional Forgery Pattern Extraction (CDFL), https://github.com/GCLion/CDFL',
  sizePolicy: { kind: 'resize', size: 256 },
  limitations: [
    'It decides on a grid of 32 × 32 cells: what is smaller than 8 pixels of the resized image is not seen.',
    'Images are squeezed to 256 × 256 first, which blurs the traces of a forgery.',
  ],
  create: () => new Cdfl(),
  officialName: patternNetworkOfficialName,
  officialConstants: patternNetworkConstants,
};
