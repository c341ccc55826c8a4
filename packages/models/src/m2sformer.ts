import type { Tensor, Value } from '@forgelens/autograd';
import {
  Random,
  ShapeError,
  UsageError,
  add,
  avgPool2d,
  cast,
  concat,
  constant,
  conv2d,
  div,
  float32,
  greater,
  greaterOrEqual,
  mirrorPad,
  mul,
  nchw,
  pow,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resizeBilinear,
  scalar,
  sigmoid,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  abs,
  where,
} from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d, LayerNorm, Parameter, balancedPosWeight, bceWithLogits, ones } from '@forgelens/nn';
import type { Backbone } from './backbones/backbone.ts';
import { PvtBlock, PvtV2, pvtV2, pvtV2OfficialName } from './backbones/pvt-v2.ts';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';
import { normalizeImageNet } from './network.ts';
import { ConvNorm } from './parts/conv-norm.ts';
import { PatchEmbed, tokensToMap } from './parts/tokens.ts';

/*
 * M2SFormer: Multi-Spectral and Multi-Scale Attention with Edge-Aware Difficulty Guidance.
 * Nam et al., ICCV 2025, https://arxiv.org/abs/2506.20922.
 *
 * Where the paper and the official code differ, `mode` chooses:
 *
 * |                 | 'code' (the default: official weights and published numbers come from it) | 'paper' |
 * | difficulty      | sum of the curvature over all pixels, image frame included; hard if > 0   | mean |curvature| over edge pixels; hard if sigmoid(mean) > threshold |
 * | M2S attention   | no residual with the original skip                                        | each skip gets its original added back |
 * | loss            | region and prior balanced per image by pos_weight, and an edge head       | plain BCE of region and prior |
 *
 * Unlike the paper, in both modes: the text embeddings of "easy" and "hard" (BPEmb vectors) are not ours to ship; two
 * fixed random vectors of the same size stand in for them unless `textEmbedding` brings the originals. The encoder
 * starts from random weights unless a checkpoint is loaded.
 *
 * The paper's ablations are configurations. Its S0 to S3 have one or several frequencies and scales; how many several
 * are is the code's: 16 and 2. That the one frequency is the constant is our reading, as the code has it first. What
 * its "simple" difficulty is, is our reading too: see `isUnsure`. Official checkpoints have PVT-v2 B2.
 */
export interface M2SFormerConfig {
  readonly backbone: Backbone;
  readonly mode: 'code' | 'paper';
  /** DCT frequencies that channels are weighed by, strongest first: 1 to 16. With 1, channels are not filtered. */
  readonly spectra: number;
  /** Scales of the spatial attention, each half as large as the one before: 1 to 3. */
  readonly scales: number;
  /**
   * What the decoder is guided by. none: nothing. simple: whether the prior is unsure, see `isUnsure`. edge-aware: the
   * curvature of the prior, see `isHard`.
   */
  readonly difficulty: 'none' | 'simple' | 'edge-aware';
  /** Rows "easy" and "hard", [2, 300]. */
  readonly textEmbedding: Tensor;
}

const skipChannels = 64;
/** All skips are brought to this size for the attention across them. */
const attentionSize = 32;
const textLength = 300;
const channelReduction = 16;
/** The third scale is 8 × 8, the smallest one of the official code. */
const mostScales = 3;
/** The paper's mode calls an image hard when sigmoid(mean |curvature| over edge pixels) exceeds this. */
const difficultyThreshold = 0.75;

/** @throws {UsageError} when a count is not a whole number from 1 to the highest */
function requireCount(what: string, count: number, highest: number): void {
  if (!Number.isInteger(count) || count < 1 || count > highest)
    throw new UsageError(`M2SFormer: ${what} must be a whole number from 1 to ${highest}, but it is ${count}`);
}

/** Rows "easy" and "hard" that stand in for the BPEmb vectors: uniform within ±0.5, from a fixed seed. */
export function standInTextEmbedding(): Tensor {
  const random = new Random('m2sformer text embedding');
  return float32(
    [2, textLength],
    Array.from({ length: 2 * textLength }, () => random.uniform(-0.5, 0.5)),
  );
}

/** FcaNet's sixteen strongest frequencies of a 7 × 7 spectrum: row and column indices. */
const rowFrequencies = [0, 0, 6, 0, 0, 1, 1, 4, 5, 1, 3, 0, 0, 0, 3, 2];
const columnFrequencies = [0, 1, 0, 5, 2, 0, 2, 0, 0, 6, 0, 4, 6, 3, 5, 2];

/** Orthonormal DCT basis image of frequency pair k at size n × n: [n·n] values. */
export function spectralBasis(k: number, n: number): Float32Array {
  const scaled = (frequency: number) => Math.floor((frequency * n) / 7);
  const wave = (f: number, p: number) =>
    (Math.cos((Math.PI * f * (p + 0.5)) / n) / Math.sqrt(n)) * (f === 0 ? 1 : Math.SQRT2);
  const [u, v] = [scaled(rowFrequencies[k]!), scaled(columnFrequencies[k]!)];
  return Float32Array.from({ length: n * n }, (_, i) => wave(u, Math.floor(i / n)) * wave(v, i % n));
}

/** Channel attention from the mean and the maximum of each channel's product with DCT bases. */
class SpectralAttention implements Module {
  readonly reduce: Conv2d;
  readonly expand: Conv2d;
  private readonly bases: Value;
  private readonly meanBasis: Value;

  constructor(channels: number, spectra: number) {
    this.reduce = new Conv2d(channels, channels / channelReduction, 1, { bias: false });
    this.expand = new Conv2d(channels / channelReduction, channels, 1, { bias: false });
    const pixels = attentionSize ** 2;
    const bases = rowFrequencies.slice(0, spectra).map((_, k) => spectralBasis(k, attentionSize));
    this.bases = constant(
      float32(
        [bases.length, pixels],
        bases.flatMap(basis => [...basis]),
      ),
    );
    const mean = Array.from(
      { length: pixels },
      (_, i) => bases.reduce((sum, basis) => sum + basis[i]!, 0) / bases.length,
    );
    this.meanBasis = constant(float32([pixels], mean));
  }

  forward(x: Value): Value {
    const [n, c, h, w] = nchw(x, 'SpectralAttention');
    const flat = reshape(x, [n, c, 1, h * w]);
    const average = reduceMean(mul(reshape(x, [n, c, h * w]), this.meanBasis), [2]);
    const greatest = reduceMean(reduceMax(mul(flat, this.bases), [3]), [2]);
    const weigh = (pooled: Value) => this.expand.forward(relu(this.reduce.forward(reshape(pooled, [n, c, 1, 1]))));
    return mul(x, sigmoid(add(weigh(average), weigh(greatest))));
  }
}

/** Spatial attention at one scale: features of a reduced map, gated into foreground and background shares. */
class ScaleBranch implements Module {
  readonly scale: number;
  readonly dilated: ConvNorm;
  readonly project: ConvNorm;
  readonly map: Conv2d;
  readonly restore: ConvNorm;
  readonly alpha: Parameter;
  readonly beta: Parameter;

  constructor(channels: number, scale: number) {
    const narrow = Math.max(channels / 2 ** scale, skipChannels);
    const dilation = 1 + scale;
    this.scale = scale;
    this.dilated = new ConvNorm(channels, channels, 3, { padding: dilation, dilation });
    this.project = new ConvNorm(channels, narrow, 1);
    this.map = new Conv2d(narrow, 1, 1, { bias: false });
    this.restore = new ConvNorm(narrow, channels, 1);
    this.alpha = new Parameter([1], ones);
    this.beta = new Parameter([1], ones);
  }

  forward(x: Value, ctx: Context): Value {
    const reduced = this.scale === 0 ? x : avgPool2d(x, 2 ** this.scale);
    const features = this.project.forward(this.dilated.forward(reduced, ctx), ctx);
    const attention = sigmoid(this.map.forward(features));
    const foreground = mul(mul(features, attention), this.alpha);
    const background = mul(mul(features, sub(scalar(1), attention)), this.beta);
    const restored = this.restore.forward(add(foreground, background), ctx);
    return resizeBilinear(restored, [x.shape[2]!, x.shape[3]!], true);
  }
}

/** M2S attention over all skips together: [N, 64, Hi, Wi] each → the same shapes. */
class SkipAttention implements Module {
  readonly reduction: readonly ConvNorm[];
  readonly channel: SpectralAttention;
  readonly scales: readonly ScaleBranch[];
  readonly mode: M2SFormerConfig['mode'];

  constructor(
    widths: readonly number[],
    { mode, spectra, scales }: Pick<M2SFormerConfig, 'mode' | 'spectra' | 'scales'>,
  ) {
    this.reduction = widths.map(width => new ConvNorm(width, skipChannels, 1, { bias: true }));
    const channels = skipChannels * widths.length;
    this.channel = new SpectralAttention(channels, spectra);
    this.scales = Array.from({ length: scales }, (_, scale) => new ScaleBranch(channels, scale));
    this.mode = mode;
  }

  forward(maps: readonly Value[], ctx: Context): readonly Value[] {
    const skips = maps.map((map, i) => this.reduction[i]!.forward(map, ctx));
    const joined = concat(
      skips.map(skip => resizeBilinear(skip, [attentionSize, attentionSize], true)),
      1,
    );
    const recalibrated = this.channel.forward(joined);
    const scales = this.scales.map(branch => branch.forward(recalibrated, ctx));
    const mean = mul(
      scales.reduce((a, b) => add(a, b)),
      scalar(1 / scales.length),
    );
    const parts = split(
      add(mean, recalibrated),
      1,
      skips.map(() => skipChannels),
    );
    return parts.map((part, i) => {
      const skip = skips[i]!;
      const back = resizeBilinear(part, [skip.shape[2]!, skip.shape[3]!], true);
      return this.mode === 'paper' ? add(back, skip) : back;
    });
  }
}

const sobel = (values: readonly number[], scale: number): Value =>
  constant(
    float32(
      [1, 1, 3, 3],
      values.map(v => v * scale),
    ),
  );
const horizontal = [1, 0, -1, 2, 0, -2, 1, 0, -1];
const vertical = [1, 2, 1, 0, 0, 0, -1, -2, -1];

/** Curvature of the level lines of a map [N, 1, H, W], from Sobel derivatives with zero padding; and the derivatives. */
export function curvature(map: Value): Record<'fx' | 'fy' | 'fxx' | 'fxy' | 'fyy' | 'kappa', Value> {
  const along = (x: Value, kernel: readonly number[]) => conv2d(x, sobel(kernel, 1), { padding: 1 });
  const [fx, fy] = [along(map, horizontal), along(map, vertical)];
  const [fxx, fxy, fyy] = [along(fx, horizontal), along(fx, vertical), along(fy, vertical)];
  const [xx, yy] = [square(fx), square(fy)];
  const mixed = mul(mul(fx, fy), mul(fxy, scalar(2)));
  const numerator = add(sub(mul(xx, fyy), mixed), mul(yy, fxx));
  const kappa = div(numerator, add(pow(add(xx, yy), 1.5), scalar(1e-8)));
  return { fx, fy, fxx, fxy, fyy, kappa };
}

/** Where a mask [N, 1, H, W] has its edge, 1 or 0: Sobel magnitude (kernel / 8, replicated border) of at least 0.5. */
export function edgeTarget(mask: Value): Value {
  const padded = mirrorPad(
    mask,
    [
      [0, 0],
      [0, 0],
      [1, 1],
      [1, 1],
    ],
    'edge',
  );
  const along = (kernel: readonly number[]) => conv2d(padded, sobel(kernel, 1 / 8));
  return cast(greaterOrEqual(sobelMagnitude(along(horizontal), along(vertical)), scalar(0.5)), 'float32');
}

/** √(x² + y² + 1e-6), the constant as in kornia: with it, a straight edge just reaches 0.5. */
const sobelMagnitude = (x: Value, y: Value): Value => sqrt(add(add(square(x), square(y)), scalar(1e-6)));

/** How hard images are: a score of each, [N], and whether it is hard, [N, 1] of bool. */
export interface Judgement {
  readonly score: Value;
  readonly hard: Value;
}

/**
 * Whether each image is hard by the curvature of its global prior, given as logits [N, 1, H, W]. It has no gradient.
 * Unlike the paper: in mode 'code' the image frame counts as an edge, since derivatives are zero-padded, and mostly
 * decides the sign; see the table at the top.
 */
export function isHard(prior: Value, mode: M2SFormerConfig['mode']): Judgement {
  const map = stopGradient(prior);
  if (mode === 'code') {
    const score = reduceSum(curvature(map).kappa, [1, 2, 3]);
    return { score, hard: reshape(greater(score, scalar(0)), [-1, 1]) };
  }
  const probabilities = sigmoid(map);
  const edges = edgeTarget(cast(greater(probabilities, scalar(0.5)), 'float32'));
  const total = reduceSum(mul(abs(curvature(probabilities).kappa), edges), [1, 2, 3]);
  const score = div(total, add(reduceSum(edges, [1, 2, 3]), scalar(1e-6)));
  return { score, hard: reshape(greater(sigmoid(score), scalar(difficultyThreshold)), [-1, 1]) };
}

/**
 * Whether each image is hard by what its global prior leaves open, given as logits [N, 1, H, W]: the mean of
 * 1 − |2p − 1| over all pixels, 0 where it is sure and 1 at p = ½, against ½. It has no gradient.
 *
 * The paper compares its difficulty with a "simple" one; what that is, is our reading.
 */
export function isUnsure(prior: Value): Judgement {
  const surplus = sub(mul(sigmoid(stopGradient(prior)), scalar(2)), scalar(1));
  const score = reduceMean(sub(scalar(1), abs(surplus)), [1, 2, 3]);
  return { score, hard: reshape(greater(score, scalar(0.5)), [-1, 1]) };
}

/** Scales channels by a gate computed from the difficulty's text embedding: [N, C, H, W], text [N, 300] → [N, C, H, W]. */
export class DifficultyGuidance implements Module {
  readonly reduce: Conv2d;
  readonly norm: BatchNorm2d;
  readonly expand: Conv2d;

  constructor(channels: number) {
    this.reduce = new Conv2d(textLength, channels / channelReduction, 1);
    this.norm = new BatchNorm2d(channels / channelReduction);
    this.expand = new Conv2d(channels / channelReduction, channels, 1);
  }

  forward(x: Value, text: Value, ctx: Context): Value {
    const hidden = relu(this.norm.forward(this.reduce.forward(reshape(text, [text.shape[0]!, -1, 1, 1])), ctx));
    return mul(x, sigmoid(this.expand.forward(hidden)));
  }
}

/** One decoder stage: enlarge to the skip's size, join it, one transformer block, and guidance by a text if there is one. */
class DecoderStage implements Module {
  readonly patchEmbed: PatchEmbed;
  readonly block: PvtBlock;
  readonly norm: LayerNorm;
  readonly guidance: DifficultyGuidance | null;

  constructor(inChannels: number, width: number, { guided }: { readonly guided: boolean }) {
    this.patchEmbed = new PatchEmbed(inChannels, width, 3, 1);
    this.block = new PvtBlock(width, { heads: 1, mlpRatio: 4, reduction: 1, qkvBias: false, eps: 1e-5 });
    this.norm = new LayerNorm(width);
    this.guidance = guided ? new DifficultyGuidance(width) : null;
  }

  forward(x: Value, skip: Value, text: Value | null, ctx: Context): Value {
    const enlarged = resizeBilinear(x, [skip.shape[2]!, skip.shape[3]!], true);
    const { tokens, height, width } = this.patchEmbed.forward(concat([enlarged, skip], 1));
    const h = this.norm.forward(this.block.forward(tokens, height, width, ctx));
    const map = tokensToMap(h, height, width);
    return this.guidance && text ? this.guidance.forward(map, text, ctx) : map;
  }
}

export interface M2SFormerOutput extends LocalizerOutput {
  /** Logits of the edge of the tampered region, [N, 1, H, W]. */
  readonly edge: Value;
  /** Logits of the coarse first guess that decides the difficulty, [N, 1, H, W]. */
  readonly prior: Value;
  /** The score of each image by which it is easy or hard, [N]; null where that guides nothing. */
  readonly difficulty: Value | null;
}

/**
 * M2SFormer. [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 32. See the table at the top of this
 * file for its two modes.
 */
export class M2SFormer implements LocalizerNetwork<M2SFormerOutput> {
  readonly encoder: Backbone;
  readonly skips: SkipAttention;
  readonly prior: Conv2d;
  readonly decoder: readonly DecoderStage[];
  readonly regionHead: Conv2d;
  readonly edgeHead: Conv2d;
  readonly mode: M2SFormerConfig['mode'];
  readonly difficulty: M2SFormerConfig['difficulty'];
  private readonly easy: Value;
  private readonly hard: Value;

  /**
   * @throws {UsageError} when there are no so many frequencies or scales
   * @throws {ShapeError} when the text embedding is not [2, 300]
   */
  constructor({
    backbone = new PvtV2(pvtV2.b2),
    mode = 'code',
    spectra = rowFrequencies.length,
    scales = 2,
    difficulty = 'edge-aware',
    textEmbedding = standInTextEmbedding(),
  }: Partial<M2SFormerConfig> = {}) {
    if (textEmbedding.shape.join() !== `2,${textLength}`)
      throw new ShapeError(
        'M2SFormer',
        `textEmbedding must be [2, ${textLength}] (rows "easy" and "hard"), got [${textEmbedding.shape}]`,
      );
    requireCount('spectra', spectra, rowFrequencies.length);
    requireCount('scales', scales, mostScales);
    this.mode = mode;
    this.difficulty = difficulty;
    this.encoder = backbone;
    this.skips = new SkipAttention(backbone.widths, { mode, spectra, scales });
    this.prior = new Conv2d(skipChannels, 1, 1);
    const guided = difficulty !== 'none';
    this.decoder = [256, 128, 64].map(
      (width, i) => new DecoderStage((i === 0 ? skipChannels : 512 / 2 ** i) + skipChannels, width, { guided }),
    );
    this.regionHead = new Conv2d(64, 1, 1);
    this.edgeHead = new Conv2d(64, 1, 1);
    const rows = textEmbedding.data as Float32Array;
    this.easy = constant(float32([1, textLength], rows.slice(0, textLength)));
    this.hard = constant(float32([1, textLength], rows.slice(textLength)));
  }

  forward(image: Value, ctx: Context): M2SFormerOutput {
    const [, , height, width] = nchw(image, 'M2SFormer image');
    if (height % 32 !== 0 || width % 32 !== 0)
      throw new ShapeError(
        'M2SFormer',
        `height and width must be divisible by 32, got ${height}×${width}; pad or resize the image first`,
      );
    const skips = this.skips.forward(this.encoder.forward(normalizeImageNet(image), ctx), ctx);
    const [finest, fine, coarse, coarsest] = skips as readonly [Value, Value, Value, Value];

    const prior = resizeBilinear(this.prior.forward(coarsest), [height, width], true);
    const judgement = this.judge(prior);
    const text = judgement && where(judgement.hard, this.hard, this.easy);

    let h = coarsest;
    for (const [i, skip] of [coarse, fine, finest].entries()) h = this.decoder[i]!.forward(h, skip, text, ctx);
    const full = (head: Conv2d) => resizeBilinear(head.forward(h), [height, width], true);
    return { logits: full(this.regionHead), edge: full(this.edgeHead), prior, difficulty: judgement?.score ?? null };
  }

  private judge(prior: Value): Judgement | null {
    if (this.difficulty === 'none') return null;
    return this.difficulty === 'simple' ? isUnsure(prior) : isHard(prior, this.mode);
  }

  loss({ logits, edge, prior }: M2SFormerOutput, mask: Value): Value {
    if (this.mode === 'paper') return add(bceWithLogits(logits, mask), bceWithLogits(prior, mask));
    const posWeight = balancedPosWeight(mask);
    const region = bceWithLogits(logits, mask, { posWeight });
    return add(add(region, bceWithLogits(edge, edgeTarget(mask))), bceWithLogits(prior, mask, { posWeight }));
  }
}

/** The name in the official checkpoint of a part or parameter of ours. */
export function m2sformerOfficialName(name: string): string {
  if (name.startsWith('encoder.'))
    return `feature_encoding.${pvtV2OfficialName(name.slice('encoder.'.length))}`.replace(/running(Mean|Var)$/, snake);
  return name
    .replace(
      /^skips\.reduction\.(\d)\.conv/,
      (_, i: string) => `skip_connection_module.skip_connection_reduction${Number(i) + 1}.0`,
    )
    .replace(
      /^skips\.reduction\.(\d)\.norm/,
      (_, i: string) => `skip_connection_module.skip_connection_reduction${Number(i) + 1}.1`,
    )
    .replace(/^skips\.(channel|scales)/, 'skip_connection_module.msms_block.$1')
    .replace('channel.reduce', 'fc.0')
    .replace('channel.expand', 'fc.2')
    .replace(/scales\.(\d)\.dilated\.conv/, 'init_conv_scale_$1.0')
    .replace(/scales\.(\d)\.dilated\.norm/, 'init_conv_scale_$1.1')
    .replace(/scales\.(\d)\.project\.conv/, 'init_conv_scale_$1.3')
    .replace(/scales\.(\d)\.project\.norm/, 'init_conv_scale_$1.4')
    .replace(/scales\.(\d)\.map/, 'spatial_attention_map_scale_$1.0')
    .replace(/scales\.(\d)\.restore\.conv/, 'final_conv_scale_$1.0')
    .replace(/scales\.(\d)\.restore\.norm/, 'final_conv_scale_$1.1')
    .replace(/scales\.(\d)\.(alpha|beta)/, '$2_list.$1')
    .replace(/^decoder\.(\d)/, (_, i: string) => `decoder_stage${Number(i) + 1}`)
    .replace('patchEmbed', 'patch_embedding')
    .replace('guidance.reduce', 'text_guided_attention.attention_map.0')
    .replace('guidance.norm', 'text_guided_attention.attention_map.1')
    .replace('guidance.expand', 'text_guided_attention.attention_map.3')
    .replace(/guidance$/, 'text_guided_attention')
    .replace('mlp.dwconv', 'mlp.dwconv.dwconv')
    .replace('dropPath', 'drop_path')
    .replace(/^prior/, 'global_prior.0')
    .replace(/^regionHead/, 'seg_head.region_conv.0')
    .replace(/^edgeHead/, 'seg_head.edge_conv.0')
    .replace(/running(Mean|Var)$/, snake);
}

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

export const m2sformer: ModelDefinition<M2SFormerOutput> = {
  id: 'm2sformer',
  title: 'M2SFormer with PVT-v2 B2: multi-spectral and multi-scale attention, difficulty-guided decoder',
  source: 'Nam et al., ICCV 2025, https://arxiv.org/abs/2506.20922',
  sizePolicy: { kind: 'resize', size: 256 },
  limitations: [
    'Images are resized to 256 × 256, which destroys most traces of compression and noise.',
    'The official text embeddings and weights are not included.',
  ],
  create: () => new M2SFormer(),
  officialName: m2sformerOfficialName,
  officialConstants: /num_batches_tracked$|dct_weight_\d+$/,
};
