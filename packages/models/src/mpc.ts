import type { Value } from '@forgelens/autograd';
import {
  ShapeError,
  add,
  cast,
  concat,
  equal,
  gather,
  greater,
  int64,
  constant,
  matmul,
  mul,
  nchw,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resizeBilinear,
  scalar,
  slice,
  split,
  stopGradient,
  sub,
  topK,
  transposeLast,
} from '@forgelens/autograd';
import type { Module, WeightedRows } from '@forgelens/nn';
import {
  BatchNorm2d,
  Context,
  Conv2d,
  bceWithLogits,
  contrast,
  directions,
  kaimingNormalFanOut,
  normalizeRows,
  sigmoidFocal,
} from '@forgelens/nn';
import type { HrFormerConfig } from './backbones/hrformer.ts';
import { HrFormer, hrFormer, hrFormerOfficialName } from './backbones/hrformer.ts';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';
import { mapToTokens, tokensToMap } from './parts/tokens.ts';

/*
 * MPC: multi-view pixel-wise contrast. multimediaFor, IEEE TIFS 2025.
 *
 * Stage 1, `MpcContrast`, trains the encoder so that features of authentic pixels agree and those of tampered pixels
 * differ from them. Stage 2, `Mpc`, trains a small head on the features of the frozen encoder.
 *
 * Where the paper and the official code differ in stage 2, `mode` chooses:
 *
 * |                | 'code' (the default)                                        | 'paper'                             |
 * | loss           | focal, α 0.5 and γ 2                                        | cross-entropy                       |
 * | frozen encoder | its batch norms go on moving and paths are dropped          | it computes as in evaluation        |
 *
 * Unlike the official code, in both modes: logits are interpolated to the size of the image, where its evaluation
 * interpolates probabilities of 8 bits; the encoder starts from random weights, theirs from ImageNet's.
 */
const featureChannels = 256;
/** Widths of the head's hidden layers. */
const headWidths = [512, 256, 128] as const;
/** The most pixels of a kind that an image contributes to a contrast. */
const mostPixels = 5000;
const temperature = 0.1;

/** A 1×1 convolution of a map to the common width, with batch norm and ReLU. */
class Project implements Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  constructor(inChannels: number) {
    this.conv = new Conv2d(inChannels, featureChannels, 1, { bias: false, initializer: kaimingNormalFanOut() });
    this.norm = new BatchNorm2d(featureChannels, { eps: 1e-3, momentum: 0.03 });
  }
  forward(x: Value, ctx: Context): Value {
    return relu(this.norm.forward(this.conv.forward(x), ctx));
  }
}

/** HRFormer with its maps brought to one width: [N, 3, H, W] → four maps [N, 256, H / 2^(i+2), W / 2^(i+2)]. */
class Encoder implements Module {
  readonly backbone: HrFormer;
  readonly project: readonly Project[];

  constructor(config: HrFormerConfig) {
    this.backbone = new HrFormer(config);
    this.project = config.widths.map(width => new Project(width));
  }

  forward(image: Value, ctx: Context): readonly Value[] {
    const [, , height, width] = nchw(image, 'Mpc image');
    if (height % 32 !== 0 || width % 32 !== 0)
      throw new ShapeError(
        'Mpc',
        `height and width must be divisible by 32, got ${height}×${width}; pad or resize the image first`,
      );
    return this.backbone.forward(image, ctx).map((map, i) => ctx.keep(this.project[i]!.forward(map, ctx)));
  }
}

/** Four layers for each pixel by itself: [N, 1024, h, w] → logits [N, 1, h, w]. */
class Head implements Module {
  readonly norm: BatchNorm2d;
  readonly hidden: readonly { readonly conv: Conv2d; readonly norm: BatchNorm2d }[];
  readonly out: Conv2d;

  constructor(inChannels: number) {
    this.norm = new BatchNorm2d(inChannels);
    this.hidden = headWidths.map((width, i) => ({
      conv: new Conv2d(i === 0 ? inChannels : headWidths[i - 1]!, width, 1),
      norm: new BatchNorm2d(width),
    }));
    this.out = new Conv2d(headWidths.at(-1)!, 1, 1);
  }

  forward(x: Value, ctx: Context): Value {
    const start = relu(this.norm.forward(x, ctx));
    return this.out.forward(this.hidden.reduce((h, { conv, norm }) => relu(norm.forward(conv.forward(h), ctx)), start));
  }
}

/** The mask at the resolution of the features, 1 or 0, from one of the image's or of that size: [N, 1, h, w]. */
function maskOfFeatures(mask: Value, [height, width]: readonly [number, number]): Value {
  // As 8-bit masks interpolated by OpenCV and compared with 127.
  return cast(greater(resizeBilinear(mask, [height, width]), scalar(127 / 255)), 'float32');
}

const sizeOfMap = (map: Value): readonly [height: number, width: number] => [map.shape[2]!, map.shape[3]!];

/** Brings something of the features' resolution to the size of the image. */
const toImage = (map: Value, image: Value): Value => resizeBilinear(map, sizeOfMap(image));

export interface MpcConfig {
  readonly backbone: HrFormerConfig;
  readonly mode: 'code' | 'paper';
  /** Whether only the head is trained, as stage 2 does. */
  readonly frozen: boolean;
}

export interface MpcOutput extends LocalizerOutput {
  /** Logits at the resolution at which they are computed and trained, [N, 1, H / 4, W / 4]. */
  readonly coarse: Value;
}

/**
 * MPC after stage 1: [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 32. See the table at the top of
 * this file for its two modes.
 */
export class Mpc implements LocalizerNetwork<MpcOutput> {
  readonly encoder: Encoder;
  readonly decoder: Head;
  readonly mode: MpcConfig['mode'];
  readonly frozen: boolean;

  constructor({ backbone = hrFormer.base, mode = 'code', frozen = false }: Partial<MpcConfig> = {}) {
    this.encoder = new Encoder(backbone);
    this.decoder = new Head(featureChannels * backbone.widths.length);
    this.mode = mode;
    this.frozen = frozen;
  }

  forward(image: Value, ctx: Context): MpcOutput {
    const still = this.frozen && this.mode === 'paper' ? new Context({ training: false }) : ctx;
    const maps = this.encoder.forward(image, still);
    const joined = concat(
      maps.map(map => resizeBilinear(map, sizeOfMap(maps[0]!), true)),
      1,
    );
    const coarse = this.decoder.forward(this.frozen ? stopGradient(joined) : joined, ctx);
    return { logits: toImage(coarse, image), coarse };
  }

  /** @param mask - [N, 1, H, W], or [N, 1, H / 4, W / 4] */
  loss({ coarse }: MpcOutput, mask: Value): Value {
    const target = maskOfFeatures(mask, sizeOfMap(coarse));
    return this.mode === 'paper'
      ? bceWithLogits(coarse, target)
      : sigmoidFocal(coarse, target, { alpha: 0.5, gamma: 2 });
  }
}

/** A random number for each pixel of each image, to sample pixels by; null where there is no need to sample. */
type Order = Value | null;

/** Those pixels of maps, given as rows, that are wanted; at random the most that are allowed, where there are more. */
function sample(rows: Value, wanted: Value, order: Order): WeightedRows {
  if (order === null) return { rows, counts: wanted };
  const [n, pixels, channels] = rows.shape as readonly [number, number, number];
  // Wanted pixels come first, in the order of their random numbers.
  const keys = mul(reshape(wanted, [n, pixels]), add(order, scalar(1)));
  const [found, places] = topK(keys, mostPixels, 1);
  const firsts = constant(
    int64(
      [n, 1],
      Array.from({ length: n }, (_, i) => i * pixels),
    ),
  );
  const picked = gather(reshape(rows, [n * pixels, channels]), reshape(add(places, firsts), [-1]));
  return {
    rows: reshape(picked, [n, mostPixels, channels]),
    counts: reshape(cast(greater(found, scalar(0.5)), 'float32'), [n, mostPixels, 1]),
  };
}

/** Pixels of one map or several, as rows, and which of them are tampered. */
interface Pixels {
  /** The directions of their features, [N, P, C]. */
  readonly rows: Value;
  /** [N, P, 1] */
  readonly tampered: Value;
  readonly order: Order;
}

/** The contrast of the authentic pixels of one view with the tampered ones of another, [N]. */
const between = (queries: Pixels, negatives: Pixels): Value =>
  contrast(
    sample(queries.rows, sub(scalar(1), queries.tampered), queries.order),
    sample(negatives.rows, negatives.tampered, negatives.order),
  );

const pixelsOf = (maps: readonly Value[], masks: readonly Value[], order: Order): Pixels => ({
  rows: directions(concat(maps.map(mapToTokens), 1), temperature),
  tampered: concat(masks.map(mapToTokens), 1),
  order,
});

export interface MpcContrastOutput extends LocalizerOutput {
  /** Features at four resolutions, finest first, [N, 256, H / 2^(i+2), W / 2^(i+2)]. */
  readonly maps: readonly Value[];
  /** The finest features of a second pass in training, in which other paths are dropped; in evaluation the first's. */
  readonly second: Value;
  /** To sample pixels by: those of the finest map, and those of all coarser ones. */
  readonly orders: readonly [finest: Order, coarser: Order];
}

/**
 * Stage 1 of MPC: [N, 3, H, W] in [0, 1] → features; H and W divisible by 32.
 *
 * It learns from three contrasts, each of authentic with tampered pixels of one image: within the finest map; between
 * the finest and the coarser maps; and between two passes in which different paths are dropped. Localizing, it groups
 * the pixels of an image in two by their features (k-means) and calls the smaller group tampered.
 */
export class MpcContrast implements LocalizerNetwork<MpcContrastOutput> {
  readonly encoder: Encoder;

  constructor({ backbone = hrFormer.base }: Partial<Pick<MpcConfig, 'backbone'>> = {}) {
    this.encoder = new Encoder(backbone);
  }

  forward(image: Value, ctx: Context): MpcContrastOutput {
    const maps = this.encoder.forward(image, ctx);
    const second = ctx.training ? this.encoder.forward(image, ctx)[0]! : maps[0]!;
    const count = (some: readonly Value[]) => some.reduce((sum, { shape }) => sum + shape[2]! * shape[3]!, 0);
    const order = (some: readonly Value[]): Order =>
      count(some) > mostPixels ? ctx.uniform([image.shape[0]!, count(some)]) : null;
    const orders = [order(maps.slice(0, 1)), order(maps.slice(1))] as const;
    return { logits: toImage(twoMeans(maps[0]!), image), maps, second, orders };
  }

  /** @param mask - [N, 1, H, W], or [N, 1, H / 4, W / 4] */
  loss(output: MpcContrastOutput, mask: Value): Value {
    return reduceMean(Object.values(mpcContrasts(output, mask)).reduce(add));
  }
}

/** The three contrasts of stage 1, of each image: [N] each. */
export function mpcContrasts(
  { maps, second, orders }: MpcContrastOutput,
  mask: Value,
): Readonly<Record<'within' | 'acrossScales' | 'acrossPasses', Value>> {
  const masks = [maskOfFeatures(mask, sizeOfMap(maps[0]!))];
  while (masks.length < maps.length) masks.push(everySecond(masks.at(-1)!));
  const finest = pixelsOf(maps.slice(0, 1), masks.slice(0, 1), orders[0]);
  const coarser = pixelsOf(maps.slice(1), masks.slice(1), orders[1]);
  const again = pixelsOf([second], masks.slice(0, 1), orders[0]);
  return {
    within: between(finest, finest),
    acrossScales: add(between(finest, coarser), between(coarser, finest)),
    acrossPasses: add(between(finest, again), between(again, finest)),
  };
}

/** The upper left one of every four pixels. */
const everySecond = (mask: Value): Value => slice(slice(mask, 2, 0, mask.shape[2]!, 2), 3, 0, mask.shape[3]!, 2);

const meansSteps = 10;
const principalSteps = 10;

/**
 * The pixels of each image grouped in two by the direction of their features (k-means with cosine similarity), as
 * logits that are positive in the smaller group: [N, C, h, w] → [N, 1, h, w].
 *
 * It starts from the two sides of the mean along the principal component, which is what two means come to when pixels
 * may belong to both (Ding and He 2004, https://doi.org/10.1145/1015330.1015408), and takes ten steps. Tampered pixels
 * are not drawn together by the contrasts, and a start from single pixels is led astray by those that are unlike all.
 */
export function twoMeans(map: Value): Value {
  const rows = normalizeRows(mapToTokens(map)); // [N, P, C]
  const [n, pixels] = rows.shape as readonly [number, number, number];
  /** How much nearer each pixel is to the second centre than to the first, [N, P, 1]. */
  const compare = (centres: Value): Value => {
    const [toFirst, toSecond] = split(matmul(rows, transposeLast(centres)), 2, [1, 1]);
    return sub(toSecond!, toFirst!);
  };
  const isSecond = (nearer: Value): Value => cast(greater(nearer, scalar(0)), 'float32');
  const centresOf = (second: Value): Value => {
    const members = transposeLast(concat([sub(scalar(1), second), second], 2)); // [N, 2, P]
    return normalizeRows(matmul(members, rows));
  };
  const around = sub(rows, reduceMean(rows, [1], { keepDims: true }));
  const lengths = reduceSum(mul(around, around), [2], { keepDims: true });
  const farthest = cast(equal(lengths, reduceMax(lengths, [1], { keepDims: true })), 'float32');
  let principal = matmul(transposeLast(farthest), around); // [N, 1, C]
  for (let step = 0; step < principalSteps; step++)
    principal = normalizeRows(matmul(matmul(principal, transposeLast(around)), around));
  let centres = centresOf(isSecond(matmul(around, transposeLast(principal)))); // [N, 2, C]
  for (let step = 0; step < meansSteps; step++) {
    centres = centresOf(isSecond(compare(centres)));
  }
  const nearer = compare(centres);
  const second = reduceSum(isSecond(nearer), [1], { keepDims: true });
  const sign = sub(scalar(1), mul(scalar(2), cast(greater(second, scalar(pixels / 2)), 'float32')));
  const [, , height, width] = nchw(map, 'twoMeans');
  return reshape(tokensToMap(mul(mul(nearer, sign), scalar(1 / temperature)), height, width), [n, 1, height, width]);
}

/** The name in the official checkpoint of stage 2 of a part or parameter of ours; stage 1's lack `encoder.`. */
export const mpcOfficialName = (name: string): string =>
  name
    .replace(/^encoder\.backbone\.(.*)/, (_, part: string) => `encoder.${hrFormerOfficialName(part)}`)
    .replace(/^encoder\.project\.(\d)/, 'encoder.convs.$1')
    .replace(/(convs\.\d)\.norm/, '$1.bn')
    .replace(/^decoder\.norm/, 'decoder.classifier.0')
    .replace(/^decoder\.hidden\.(\d)\.conv/, (_, i: string) => `decoder.classifier.${3 * Number(i) + 2}`)
    .replace(/^decoder\.hidden\.(\d)\.norm/, (_, i: string) => `decoder.classifier.${3 * Number(i) + 3}`)
    .replace(/^decoder\.out/, 'decoder.classifier.11')
    .replace(/running(Mean|Var)$/, (_, part: string) => `running_${part.toLowerCase()}`);

const source = 'multimediaFor, IEEE TIFS 2025';
const officialConstants = /num_batches_tracked$|relative_position_index$/;

export const mpc: ModelDefinition<MpcOutput> = {
  id: 'mpc',
  title: 'MPC with HRFormer-base: a head on features of multi-view pixel-wise contrast',
  source,
  sizePolicy: { kind: 'resize', size: 512 },
  limitations: [
    'Images are resized to 512 × 512, which destroys most traces of compression and noise.',
    'The official weights are not included.',
  ],
  create: () => new Mpc(),
  officialName: mpcOfficialName,
  officialConstants,
};

export const mpcContrast: ModelDefinition<MpcContrastOutput> = {
  id: 'mpc-contrast',
  title: 'MPC, stage 1: features by pixel-wise contrast, pixels grouped in two',
  source,
  sizePolicy: { kind: 'resize', size: 512 },
  limitations: [
    'It finds something tampered in every picture: the smaller of two groups of pixels.',
    'Images are resized to 512 × 512, which destroys most traces of compression and noise.',
  ],
  create: () => new MpcContrast(),
  officialName: mpcOfficialName,
  officialConstants,
};
