import type { Value } from '@forgelens/autograd';
import {
  Tensor,
  add,
  attention,
  constant,
  gather,
  gelu,
  mul,
  nchw,
  pad,
  relu,
  reshape,
  resizeNearest,
  scalar,
  slice,
  transpose,
} from '@forgelens/autograd';
import type { Conv2dConfig, Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d, DropPath, LayerNorm, Linear, Parameter, truncatedNormal } from '@forgelens/nn';
import { convInit, linearInit } from '../parts/initializers.ts';
import { mapToTokens, tokensToMap } from '../parts/tokens.ts';
import type { Backbone } from './backbone.ts';

/** Sizes of an HRFormer; an entry of `widths` and `heads` for each of its four resolutions, finest first. */
export interface HrFormerConfig {
  readonly widths: readonly [number, number, number, number];
  readonly heads: readonly [number, number, number, number];
  /** Modules of the stages with two, three and four resolutions. */
  readonly modules: readonly [number, number, number];
  /** Blocks of each resolution in a module. */
  readonly blocks: number;
  /** The highest probability that a residual branch is dropped in training; it grows evenly from 0 with depth. */
  readonly dropPath: number;
}

/** HRFormer-S and HRFormer-B, as in Table 1 of the paper. */
export const hrFormer = {
  small: { widths: [32, 64, 128, 256], heads: [1, 2, 4, 8], modules: [1, 4, 2], blocks: 2, dropPath: 0.1 },
  base: { widths: [78, 156, 312, 624], heads: [2, 4, 8, 16], modules: [1, 4, 2], blocks: 2, dropPath: 0.2 },
} as const satisfies Record<string, HrFormerConfig>;

const windowSize = 7;
const mlpRatio = 4;
const stemWidth = 64;

/** A convolution without bias and its batch norm. */
class ConvNorm implements Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  constructor(inChannels: number, outChannels: number, kernelSize: number, config: Conv2dConfig = {}) {
    const padding = (kernelSize - 1) / 2;
    this.conv = new Conv2d(inChannels, outChannels, kernelSize, {
      padding,
      bias: false,
      ...convInit(config.groups),
      ...config,
    });
    this.norm = new BatchNorm2d(outChannels);
  }
  forward(x: Value, ctx: Context): Value {
    return this.norm.forward(this.conv.forward(x), ctx);
  }
}

/** ResNet's bottleneck: [N, in, H, W] → [N, 4 · width, H, W]. */
class Bottleneck implements Module {
  readonly reduce: ConvNorm;
  readonly spatial: ConvNorm;
  readonly expand: ConvNorm;
  readonly shortcut: ConvNorm | null;

  constructor(inChannels: number, width: number) {
    this.reduce = new ConvNorm(inChannels, width, 1);
    this.spatial = new ConvNorm(width, width, 3);
    this.expand = new ConvNorm(width, 4 * width, 1);
    this.shortcut = inChannels === 4 * width ? null : new ConvNorm(inChannels, 4 * width, 1);
  }

  forward(x: Value, ctx: Context): Value {
    const h = relu(this.spatial.forward(relu(this.reduce.forward(x, ctx)), ctx));
    return relu(add(this.expand.forward(h, ctx), this.shortcut?.forward(x, ctx) ?? x));
  }
}

/** Which entry of the bias table belongs to a pair of places of a window: [7² · 7²], by row and column offset. */
function relativePositions(): Value {
  const places = windowSize ** 2;
  const index = new Tensor('int64', [places * places]);
  const offset = (a: number, b: number) => a - b + windowSize - 1;
  for (let i = 0; i < places; i++)
    for (let j = 0; j < places; j++) {
      const rows = offset(Math.floor(i / windowSize), Math.floor(j / windowSize));
      const columns = offset(i % windowSize, j % windowSize);
      index.data[i * places + j] = BigInt(rows * (2 * windowSize - 1) + columns);
    }
  return constant(index);
}

/**
 * Attention within windows of 7 × 7 that do not overlap, with a learned bias for each offset: [N, H·W, C] → the same.
 *
 * The map is padded with zeros to whole windows, its own place in the middle. As in the official code the padding is
 * not masked: it takes part with the biases of keys and values.
 */
export class WindowAttention implements Module {
  readonly heads: number;
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly out: Linear;
  readonly bias: Parameter;
  private readonly positions = relativePositions();

  constructor(width: number, heads: number) {
    this.heads = heads;
    this.q = new Linear(width, width, linearInit);
    this.k = new Linear(width, width, linearInit);
    this.v = new Linear(width, width, linearInit);
    this.out = new Linear(width, width, linearInit);
    this.bias = new Parameter([(2 * windowSize - 1) ** 2, heads], truncatedNormal(0.02));
  }

  forward(x: Value, height: number, width: number): Value {
    const [n, , channels] = x.shape as readonly [number, number, number];
    const places = windowSize ** 2;
    const [down, right] = [height, width].map(extent => Math.ceil(extent / windowSize)) as [number, number];
    const margins = (extent: number, windows: number): readonly [number, number] => {
      const missing = windows * windowSize - extent;
      return [Math.floor(missing / 2), Math.ceil(missing / 2)];
    };
    const [vertical, horizontal] = [margins(height, down), margins(width, right)];

    // [N, H·W, C] → [N, down, 7, right, 7, C] → [N · down · right · 49, C]
    const padded = pad(reshape(x, [n, height, width, channels]), [[0, 0], vertical, horizontal, [0, 0]]);
    const cut = reshape(padded, [n, down, windowSize, right, windowSize, channels]);
    const tokens = reshape(transpose(cut, [0, 1, 3, 2, 4, 5]), [-1, channels]);

    // [N · down · right · 49, C] → [N · down · right, heads, 49, C / heads]
    const perHead = channels / this.heads;
    const byHead = (layer: Linear): Value =>
      transpose(reshape(layer.forward(tokens), [-1, places, this.heads, perHead]), [0, 2, 1, 3]);
    const q = mul(byHead(this.q), scalar(perHead ** -0.5));
    const bias = reshape(gather(this.bias, this.positions), [places, places, this.heads]);
    const attended = attention(q, byHead(this.k), byHead(this.v), transpose(bias, [2, 0, 1]));
    const merged = this.out.forward(reshape(transpose(attended, [0, 2, 1, 3]), [-1, channels]));

    const whole = reshape(merged, [n, down, right, windowSize, windowSize, channels]);
    const map = reshape(transpose(whole, [0, 1, 3, 2, 4, 5]), padded.shape);
    const [top, left] = [vertical[0], horizontal[0]];
    return reshape(slice(slice(map, 1, top, top + height), 2, left, left + width), x.shape);
  }
}

/** The feed-forward part, on maps: 1×1, depthwise 3×3 and 1×1 convolution, each with batch norm and GELU. */
class ConvMlp implements Module {
  readonly fc1: Conv2d;
  readonly norm1: BatchNorm2d;
  readonly depthwise: Conv2d;
  readonly norm2: BatchNorm2d;
  readonly fc2: Conv2d;
  readonly norm3: BatchNorm2d;

  constructor(width: number, hidden: number) {
    this.fc1 = new Conv2d(width, hidden, 1, convInit());
    this.norm1 = new BatchNorm2d(hidden);
    this.depthwise = new Conv2d(hidden, hidden, 3, { padding: 1, groups: hidden, ...convInit(hidden) });
    this.norm2 = new BatchNorm2d(hidden);
    this.fc2 = new Conv2d(hidden, width, 1, convInit());
    this.norm3 = new BatchNorm2d(width);
  }

  forward(x: Value, height: number, width: number, ctx: Context): Value {
    const a = gelu(this.norm1.forward(this.fc1.forward(tokensToMap(x, height, width)), ctx));
    const b = gelu(this.norm2.forward(this.depthwise.forward(a), ctx));
    return mapToTokens(gelu(this.norm3.forward(this.fc2.forward(b), ctx)));
  }
}

/** The tokens of a map, [N, H·W, C], and its size. */
interface Tokens {
  readonly tokens: Value;
  readonly height: number;
  readonly width: number;
}

/** Attention within windows and feed-forward part, each behind a layer norm and around a residual. */
class Block implements Module {
  readonly norm1: LayerNorm;
  readonly attn: WindowAttention;
  readonly norm2: LayerNorm;
  readonly mlp: ConvMlp;
  readonly dropPath: DropPath;

  constructor(width: number, heads: number, dropPath: number) {
    this.norm1 = new LayerNorm(width, { eps: 1e-6 });
    this.attn = new WindowAttention(width, heads);
    this.norm2 = new LayerNorm(width, { eps: 1e-6 });
    this.mlp = new ConvMlp(width, width * mlpRatio);
    this.dropPath = new DropPath(dropPath);
  }

  forward({ tokens: x, height, width }: Tokens, ctx: Context): Tokens {
    const attended = add(x, this.dropPath.forward(this.attn.forward(this.norm1.forward(x), height, width), ctx));
    const fed = this.mlp.forward(this.norm2.forward(attended), height, width, ctx);
    return { tokens: ctx.keep(add(attended, this.dropPath.forward(fed, ctx))), height, width };
  }
}

/** Brings a coarser map to a finer resolution: [N, in, H, W] → [N, out, 2^k·H, 2^k·W]. */
class FuseUp implements Module {
  readonly project: ConvNorm;
  readonly factor: number;

  constructor(inChannels: number, outChannels: number, steps: number) {
    this.project = new ConvNorm(inChannels, outChannels, 1);
    this.factor = 2 ** steps;
  }

  forward(x: Value, ctx: Context): Value {
    const [, , height, width] = nchw(x, 'HrFormer');
    return resizeNearest(this.project.forward(x, ctx), [height * this.factor, width * this.factor]);
  }
}

/** One halving of a map: a depthwise convolution with stride 2 and a 1×1 convolution. */
class Halve implements Module {
  readonly depthwise: ConvNorm;
  readonly project: ConvNorm;

  constructor(inChannels: number, outChannels: number) {
    this.depthwise = new ConvNorm(inChannels, inChannels, 3, { stride: 2, groups: inChannels });
    this.project = new ConvNorm(inChannels, outChannels, 1);
  }

  forward(x: Value, ctx: Context): Value {
    return this.project.forward(this.depthwise.forward(x, ctx), ctx);
  }
}

/** Brings a finer map to a coarser resolution by halving it, with ReLU between: [N, in, H, W] → [N, out, H/2^k, W/2^k]. */
class FuseDown implements Module {
  readonly halve: readonly Halve[];

  constructor(inChannels: number, outChannels: number, steps: number) {
    this.halve = Array.from(
      { length: steps },
      (_, k) => new Halve(inChannels, k === steps - 1 ? outChannels : inChannels),
    );
  }

  forward(x: Value, ctx: Context): Value {
    return this.halve.reduce((h, halve, k) => halve.forward(k === 0 ? h : relu(h), ctx), x);
  }
}

/** Blocks on each resolution by itself, then an exchange: every resolution becomes the sum of all, brought to it. */
class HrModule implements Module {
  readonly branches: readonly (readonly Block[])[];
  /** fuse[i][j] brings resolution j to i; null for i itself. */
  readonly fuse: readonly (readonly (FuseUp | FuseDown | null)[])[];

  constructor(widths: readonly number[], heads: readonly number[], dropPaths: readonly number[]) {
    this.branches = widths.map((width, i) => dropPaths.map(dropPath => new Block(width, heads[i]!, dropPath)));
    this.fuse = widths.map((to, i) =>
      widths.map((from, j) => (i === j ? null : i < j ? new FuseUp(from, to, j - i) : new FuseDown(from, to, i - j))),
    );
  }

  forward(maps: readonly Value[], ctx: Context): readonly Value[] {
    const attended = maps.map((map, i) => {
      const [, , height, width] = nchw(map, 'HrFormer');
      const start = { tokens: mapToTokens(map), height, width };
      const { tokens } = this.branches[i]!.reduce((h, block) => block.forward(h, ctx), start);
      return tokensToMap(tokens, height, width);
    });
    return this.fuse.map(row => {
      const brought = row.map((fuse, j) => fuse?.forward(attended[j]!, ctx) ?? attended[j]!);
      return ctx.keep(relu(brought.reduce(add)));
    });
  }
}

/**
 * HRFormer: a transformer that keeps a map at full resolution throughout, beside ever coarser ones, and exchanges
 * between them after every module.
 *
 * [N, 3, H, W] → four maps [N, widths[i], H / 2^(i+2), W / 2^(i+2)]; H and W divisible by 32.
 *
 * Yuan et al. 2021, https://arxiv.org/abs/2110.09408. Unlike the paper, as in its code: batch norm follows every
 * convolution of the feed-forward part, and there is a GELU after its last one.
 */
export class HrFormer implements Backbone {
  readonly widths: HrFormerConfig['widths'];
  readonly stem: readonly ConvNorm[];
  readonly layer1: readonly Bottleneck[];
  /** Makes the finest map from the stem's. */
  readonly finest: ConvNorm;
  /** Each makes the next coarser map, from the stem's map or from the coarsest one so far. */
  readonly coarser: readonly ConvNorm[];
  readonly stages: readonly (readonly HrModule[])[];

  constructor({ widths, heads, modules, blocks, dropPath }: HrFormerConfig) {
    this.widths = widths;
    this.stem = [new ConvNorm(3, stemWidth, 3, { stride: 2 }), new ConvNorm(stemWidth, stemWidth, 3, { stride: 2 })];
    this.layer1 = [new Bottleneck(stemWidth, stemWidth), new Bottleneck(4 * stemWidth, stemWidth)];
    this.finest = new ConvNorm(4 * stemWidth, widths[0], 3);
    this.coarser = [4 * stemWidth, widths[1], widths[2]].map(
      (inChannels, i) => new ConvNorm(inChannels, widths[i + 1]!, 3, { stride: 2 }),
    );
    const depth = blocks * modules.reduce((a, b) => a + b, 0);
    let block = 0;
    const nextDropPath = () => (dropPath * block++) / (depth - 1);
    this.stages = modules.map((count, stage) =>
      Array.from({ length: count }, () => {
        const dropPaths = Array.from({ length: blocks }, nextDropPath);
        return new HrModule(widths.slice(0, stage + 2), heads.slice(0, stage + 2), dropPaths);
      }),
    );
  }

  forward(x: Value, ctx: Context): readonly Value[] {
    const start = this.layer1.reduce(
      (h, block) => block.forward(h, ctx),
      this.stem.reduce((h, conv) => relu(conv.forward(h, ctx)), x),
    );
    ctx.keep(start);
    let maps: readonly Value[] = [ctx.keep(relu(this.finest.forward(start, ctx)))];
    for (const [i, stage] of this.stages.entries()) {
      const coarsest = i === 0 ? start : maps.at(-1)!;
      maps = [...maps, ctx.keep(relu(this.coarser[i]!.forward(coarsest, ctx)))];
      maps = stage.reduce((h, module) => module.forward(h, ctx), maps);
    }
    return maps;
  }
}

/** The name of a part of HrFormer in the official checkpoints: stages.0.0.fuse.1.0.halve.0.project.conv → stage2.0.fuse_layers.1.0.0.2. */
export const hrFormerOfficialName = (name: string): string =>
  name
    .replace(/^stem\.(\d)\.(conv|norm)/, (_, i: string, part: string) => `${bottleneckPart(part)}${Number(i) + 1}`)
    .replace(
      /^(layer1\.\d)\.(reduce|spatial|expand)\.(conv|norm)/,
      (_, block: string, step: string, part: string) => `${block}.${bottleneckPart(part)}${bottleneckSteps[step]}`,
    )
    .replace(/shortcut\.conv/, 'downsample.0')
    .replace(/shortcut\.norm/, 'downsample.1')
    .replace(/^finest\.(conv|norm)/, (_, part: string) => `transition1.0.${indexOf(part)}`)
    .replace(
      /^coarser\.(\d)\.(conv|norm)/,
      (_, i: string, part: string) => `transition${Number(i) + 1}.${Number(i) + 1}.0.${indexOf(part)}`,
    )
    .replace(/^stages\.(\d)/, (_, i: string) => `stage${Number(i) + 2}`)
    .replace(/fuse\.(\d)\.(\d)/, 'fuse_layers.$1.$2')
    .replace(/halve\.(\d)\.depthwise\.(conv|norm)/, (_, k: string, part: string) => `${k}.${indexOf(part)}`)
    .replace(/halve\.(\d)\.project\.(conv|norm)/, (_, k: string, part: string) => `${k}.${indexOf(part) + 2}`)
    .replace(/project\.(conv|norm)/, (_, part: string) => String(indexOf(part)))
    .replace(/attn\.(q|k|v|out)\./, 'attn.attn.$1_proj.')
    .replace(/attn\.bias$/, 'attn.attn.relative_position_bias_table')
    .replace('mlp.depthwise', 'mlp.dw3x3')
    .replace('dropPath', 'drop_path');

const bottleneckPart = (part: string): string => (part === 'conv' ? 'conv' : 'bn');
const bottleneckSteps: Readonly<Record<string, number>> = { reduce: 1, spatial: 2, expand: 3 };
const indexOf = (part: string): number => (part === 'conv' ? 0 : 1);
