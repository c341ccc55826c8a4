import type { Value } from '@forgelens/autograd';
import { Random, concat, constant, float32, mul, nchw, resizeBilinear, scalar, sub } from '@forgelens/autograd';
import type { Context } from '@forgelens/nn';
import { bceWithLogits } from '@forgelens/nn';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';
import type { PatternNetworkConfig } from './parts/pattern-network.ts';
import {
  FeatureEncoder,
  PatternDecoder,
  patternNetworkConstants,
  patternNetworkOfficialName,
  publishedSizes,
  requireSize,
} from './parts/pattern-network.ts';
import { mapToNodes, nodesToMap, pixelWalk, walkPixels } from './parts/pixel-graph.ts';
import { drawCandidates, sampledWalk } from './parts/sampled-walk.ts';

/*
 * SDPAL: Spatial Difference Patterns Adaptive Learning For Image Forgery Localization.
 * https://github.com/GCLion/SDPAL (abstract and code; the abstract is what is meant by "paper" here).
 *
 * Where the paper and the official code differ, `mode` chooses:
 *
 * |            | 'code' (the default: official weights and published numbers come from it) | 'paper' |
 * | walks      | the mean over all possible ones, by products of matrices of pixels × pixels | sampled: `walks` from each pixel |
 * | orders     | any two pixels may be joined                     | each with 8 near pixels and 8 of any distance, by chance |
 * | lone pixel | sees itself at 0.3 of its strength               | sees itself |
 * | gradient   | of what is seen and of the chances of the steps  | of what is seen |
 *
 * The parameters are the same in both modes. Sampling is seeded: in evaluation the numbers are constants of the graph,
 * and a picture gives the same map each time; in training they are new at each step.
 *
 * Unlike the paper, in both modes: walks are through the encoder's features, 8 × 8 pixels each, and the encoder starts
 * from random weights unless a checkpoint is loaded.
 */
export interface SdpalConfig extends PatternNetworkConfig {
  readonly mode: 'code' | 'paper';
  /** How many walks start at each pixel in mode 'paper'; 8. */
  readonly walks: number;
}

/** What of a map is lost when it is halved and enlarged again: [N, C, H, W] → the same. */
export function neighbourResidual(map: Value): Value {
  const [, , height, width] = nchw(map, 'neighbourResidual');
  const halved = resizeBilinear(map, [Math.floor(height / 2), Math.floor(width / 2)], true);
  return sub(map, resizeBilinear(halved, [height, width], true));
}

/** Uniform numbers for sampled walks, [steps, pixels·walks]: new in training, and always the same in evaluation. */
function drawSteps(pixels: number, walks: number, ctx: Context): Value {
  const shape = [pixelWalk.steps, pixels * walks];
  if (ctx.training) return ctx.uniform(shape);
  const random = new Random('sdpal walks');
  return constant(
    float32(
      shape,
      Array.from({ length: shape[0]! * shape[1]! }, () => random.uniform()),
    ),
  );
}

export interface SdpalOutput extends LocalizerOutput {
  readonly residual: Value;
  /** Features and residuals of the pixels that are walked through, [N, 2·C, h, w]. */
  readonly pixels: Value;
  /** What the walks see of them, of the same shape. */
  readonly seen: Value;
}

/**
 * SDPAL. [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 64. See the table at the top of this file
 * for its two modes.
 */
export class Sdpal implements LocalizerNetwork<SdpalOutput> {
  readonly encoder: FeatureEncoder;
  readonly decoder: PatternDecoder;
  readonly mode: SdpalConfig['mode'];
  readonly walks: number;

  constructor({ mode = 'code', walks = 8, ...sizes }: Partial<SdpalConfig> = {}) {
    const { channels, backbone } = { ...publishedSizes, ...sizes };
    this.mode = mode;
    this.walks = walks;
    this.encoder = new FeatureEncoder({ backbone, channels });
    // Features and residuals, and what the walks see of both.
    this.decoder = new PatternDecoder(4 * channels, channels, { attention: false });
  }

  forward(image: Value, ctx: Context): SdpalOutput {
    const size = requireSize(image, 'SDPAL');
    const features = this.encoder.forward(mul(image, scalar(255)), ctx);
    const residual = neighbourResidual(features);
    const pixels = concat([features, residual], 1);
    const seen = this.mode === 'code' ? walkPixels(pixels) : this.sampleWalks(pixels, ctx);
    const logits = this.decoder.forward(concat([pixels, seen], 1), size, ctx);
    return { logits, residual, pixels, seen };
  }

  private sampleWalks(pixels: Value, ctx: Context): Value {
    const [, , height, width] = nchw(pixels, 'SDPAL walks');
    const candidates = drawCandidates(height, width);
    const draws = drawSteps(height * width, this.walks, ctx);
    return nodesToMap(sampledWalk(mapToNodes(pixels), { candidates, draws }), height, width);
  }

  loss({ logits }: SdpalOutput, mask: Value): Value {
    return bceWithLogits(logits, mask);
  }
}

export const sdpal: ModelDefinition<SdpalOutput> = {
  id: 'sdpal',
  title: 'SDPAL on ResNet-101: neighbour residuals and a walk through similar pixels, U-Net',
  source: 'Spatial Difference Patterns Adaptive Learning (SDPAL), https://github.com/GCLion/SDPAL',
  sizePolicy: { kind: 'resize', size: 256 },
  limitations: [
    'It decides on a grid of 32 × 32 cells: what is smaller than 8 pixels of the resized image is not seen.',
    'Images are squeezed to 256 × 256 first, which blurs the traces of a forgery.',
  ],
  create: () => new Sdpal(),
  officialName: patternNetworkOfficialName,
  officialConstants: patternNetworkConstants,
};
