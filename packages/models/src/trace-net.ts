import type { Value } from '@forgelens/autograd';
import {
  ShapeError,
  add,
  attention,
  clamp,
  concat,
  conv2d,
  div,
  mul,
  nchw,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  resizeBilinear,
  scalar,
  sigmoid,
  split,
  sub,
  transpose,
} from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d, LayerNorm, Linear, Parameter, bceWithLogits, kaimingNormal, normal } from '@forgelens/nn';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';
import { mapToTokens, tokensToMap } from './parts/tokens.ts';
import { ConvNorm } from './parts/conv-norm.ts';

/** Channels at 1/2, 1/4, 1/8 and 1/16 of the image's size. */
export const traceNetWidths = [24, 48, 96, 160] as const;
const widths = traceNetWidths;
const residualFilters = 12;
const stemWidths = { residual: 16, colour: 8 };
/** Residuals are cut at this many units: strong edges carry no traces, and would drown those that there are. */
const truncation = 4;
const heads = 4;

/**
 * Convolution with kernels that sum to zero over each input channel: flat regions vanish, and what is left is the weak
 * high-frequency signal that cameras, codecs and brushes leave. [N, 3, H, W] → [N, filters, H, W].
 *
 * After Bayar and Stamm 2018, https://doi.org/10.1109/TIFS.2018.2825953. Unlike the paper: the constraint is part of
 * the graph (each kernel's mean is taken off), not a projection after each step, and no tap is fixed to −1.
 */
class ResidualConv implements Module {
  readonly weight: Parameter;
  constructor(filters: number) {
    this.weight = new Parameter([filters, 3, 5, 5], normal(0.1));
  }
  forward(image: Value): Value {
    const kernels = sub(this.weight, reduceMean(this.weight, [2, 3], { keepDims: true }));
    // In units of grey levels / 8, so that traces of one or two levels are of the size of the other features.
    return conv2d(mul(image, scalar(32)), kernels, { padding: 2 });
  }
}

const convInit = { initializer: kaimingNormal };

/** Two 3×3 convolutions around a residual: [N, C, H, W] → the same. He et al. 2016. */
class ResidualBlock implements Module {
  readonly first: ConvNorm;
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  constructor(channels: number) {
    this.first = new ConvNorm(channels, channels, 3, convInit);
    this.conv = new Conv2d(channels, channels, 3, { padding: 1, bias: false, ...convInit });
    this.norm = new BatchNorm2d(channels);
  }
  forward(x: Value, ctx: Context): Value {
    return relu(add(x, this.norm.forward(this.conv.forward(this.first.forward(x, ctx)), ctx)));
  }
}

/**
 * Self-attention over all positions of a map around a residual: lets every place be compared with every other, which
 * both inconsistent noise and copied regions ask for. [N, C, H, W] → the same.
 */
class GlobalComparison implements Module {
  readonly norm: LayerNorm;
  readonly qkv: Linear;
  readonly proj: Linear;

  constructor(channels: number) {
    this.norm = new LayerNorm(channels);
    this.qkv = new Linear(channels, 3 * channels, { initializer: normal(0.02) });
    this.proj = new Linear(channels, channels, { initializer: normal(0.02) });
  }

  forward(x: Value): Value {
    const [n, c, h, w] = nchw(x, 'GlobalComparison');
    const tokens = this.norm.forward(mapToTokens(x));
    const byHead = (v: Value) => transpose(reshape(v, [n, h * w, heads, c / heads]), [0, 2, 1, 3]);
    const [q, k, v] = split(this.qkv.forward(tokens), 2, [c, c, c]).map(byHead) as [Value, Value, Value];
    const compared = attention(mul(q, scalar((c / heads) ** -0.5)), k, v);
    const attended = reshape(transpose(compared, [0, 2, 1, 3]), [n, h * w, c]);
    return add(x, tokensToMap(this.proj.forward(attended), h, w));
  }
}

/**
 * TraceNet: our compact localizer. Truncated residual filters at full resolution beside plain colour filters, a residual encoder
 * down to 1/16, one global comparison there, and a light decoder with skips.
 *
 * [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 16. 1.9 M parameters.
 */
export class TraceNet implements LocalizerNetwork {
  readonly residual: ResidualConv;
  readonly residualStem: Conv2d;
  readonly colourStem: Conv2d;
  readonly stemNorm: BatchNorm2d;
  readonly down: readonly ConvNorm[];
  readonly encoder: readonly (readonly ResidualBlock[])[];
  readonly comparison: GlobalComparison;
  readonly lateral: readonly ConvNorm[];
  readonly decoder: readonly ConvNorm[];
  readonly head: Conv2d;

  constructor() {
    const halving = { stride: 2, padding: 1, bias: false, ...convInit };
    this.residual = new ResidualConv(residualFilters);
    this.residualStem = new Conv2d(residualFilters, stemWidths.residual, 3, halving);
    this.colourStem = new Conv2d(3, stemWidths.colour, 3, halving);
    this.stemNorm = new BatchNorm2d(widths[0]);
    this.down = widths.slice(1).map((width, i) => new ConvNorm(widths[i]!, width, 3, { stride: 2, ...convInit }));
    this.encoder = widths.map((width, i) => Array.from({ length: i === 0 ? 1 : 2 }, () => new ResidualBlock(width)));
    this.comparison = new GlobalComparison(widths[3]);
    this.lateral = widths.slice(0, -1).map((width, i) => new ConvNorm(widths[i + 1]!, width, 1, convInit));
    this.decoder = widths.slice(0, -1).map(width => new ConvNorm(2 * width, width, 3, convInit));
    this.head = new Conv2d(widths[0], 1, 1);
  }

  /** @param join - may change what enters the blocks at 1/2 (level 0), 1/4, 1/8 and 1/16 */
  forward(image: Value, ctx: Context, join: (h: Value, level: number) => Value = h => h): LocalizerOutput {
    const [, , height, width] = nchw(image, 'TraceNet image');
    if (height % 16 !== 0 || width % 16 !== 0)
      throw new ShapeError(
        'TraceNet',
        `height and width must be divisible by 16, got ${height}×${width}; pad the image first`,
      );
    const residual = clamp(this.residual.forward(image), -truncation, truncation);
    const stem = concat([this.residualStem.forward(residual), this.colourStem.forward(image)], 1);
    let h = relu(this.stemNorm.forward(stem, ctx));
    const skips: Value[] = [];
    for (const [i, blocks] of this.encoder.entries()) {
      h = join(i === 0 ? h : this.down[i - 1]!.forward(h, ctx), i);
      h = blocks.reduce((x, block) => block.forward(x, ctx), h);
      skips.push(h);
    }
    h = this.comparison.forward(h);
    for (const i of [2, 1, 0]) {
      const skip = skips[i]!;
      // Narrowed before it is enlarged: the same result for a quarter of the work.
      const up = resizeBilinear(this.lateral[i]!.forward(h, ctx), [skip.shape[2]!, skip.shape[3]!]);
      h = this.decoder[i]!.forward(concat([up, skip], 1), ctx);
    }
    return { logits: resizeBilinear(this.head.forward(h), [height, width]) };
  }

  /** Cross-entropy in which tampered pixels count threefold, and the Dice loss of the images that have some. */
  loss({ logits }: LocalizerOutput, mask: Value): Value {
    const perImage = [1, 2, 3];
    const probabilities = sigmoid(logits);
    const overlap = reduceSum(mul(probabilities, mask), perImage);
    const sum = add(reduceSum(probabilities, perImage), reduceSum(mask, perImage));
    const tampered = reduceMax(mask, perImage);
    const dice = mul(tampered, sub(scalar(1), div(mul(overlap, scalar(2)), add(sum, scalar(1)))));
    return add(bceWithLogits(logits, mask, { posWeight: 3 }), reduceMean(dice));
  }
}

export const traceNet: ModelDefinition = {
  id: 'tracenet',
  title: 'TraceNet, our compact localizer: residual filters, residual encoder, global comparison',
  source: 'forgelens',
  sizePolicy: { kind: 'native', multiple: 16 },
  limitations: [
    'Trained on small pictures (mostly 384 × 256) with splices and copy-moves, and on forgeries made by our generator.',
    'Not trained on pictures made or edited by generative networks, on screenshots or on documents.',
    'Strong recompression and resizing after the forgery weaken or erase what it looks for.',
  ],
  create: () => new TraceNet(),
};
