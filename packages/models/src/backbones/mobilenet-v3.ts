import type { Value } from '@forgelens/autograd';
import { add, clamp, mul, pad, reduceMean, relu, scalar } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { Conv2d, kaimingNormal } from '@forgelens/nn';
import type { Backbone } from './backbone.ts';

/** A block: kernel size, channels within and after it, and where it differs from the plain ones. */
interface BlockConfig {
  readonly kernel: 3 | 5;
  readonly hidden: number;
  readonly out: number;
  readonly stride?: 2;
  /** Channels of the squeezed description that the hidden channels are weighed by; none without. */
  readonly squeezed?: number;
}

/** The blocks of each of the four maps, finest first: the encoder of the detector that the weights are from. */
const blocks: readonly (readonly BlockConfig[])[] = [
  [
    { kernel: 3, hidden: 16, out: 16 },
    { kernel: 3, hidden: 64, out: 24, stride: 2 },
    { kernel: 3, hidden: 72, out: 24 },
  ],
  [
    { kernel: 5, hidden: 72, out: 32, stride: 2, squeezed: 24 },
    { kernel: 5, hidden: 96, out: 32, squeezed: 24 },
    { kernel: 5, hidden: 96, out: 32, squeezed: 24 },
  ],
  [
    { kernel: 3, hidden: 192, out: 64, stride: 2 },
    { kernel: 3, hidden: 160, out: 64 },
    { kernel: 3, hidden: 144, out: 64 },
    { kernel: 3, hidden: 144, out: 64 },
    { kernel: 3, hidden: 384, out: 88, squeezed: 96 },
    { kernel: 3, hidden: 528, out: 88, squeezed: 136 },
  ],
  [
    { kernel: 5, hidden: 528, out: 120, stride: 2, squeezed: 136 },
    { kernel: 5, hidden: 720, out: 120, squeezed: 184 },
    { kernel: 5, hidden: 720, out: 120, squeezed: 184 },
  ],
];
const stemWidth = 16;
const widths = [24, 32, 88, 120] as const;

const convInit = { initializer: kaimingNormal };

/** min(max(x / 6 + ½, 0), 1). */
const hardSigmoid = (x: Value): Value => clamp(add(mul(x, scalar(1 / 6)), scalar(0.5)), 0, 1);
/** x · hardSigmoid(x). */
const hardSwish = (x: Value): Value => mul(x, hardSigmoid(x));

/** A convolution that halves maps of even size as TensorFlow does: what is missing is added to the right and below. */
function halve(x: Value, conv: Conv2d, kernel: number): Value {
  const before = Math.floor((kernel - 2) / 2);
  const sides = [before, kernel - 2 - before];
  return conv.forward(pad(x, [[0, 0], [0, 0], sides, sides]));
}

/**
 * Widened by a 1×1 convolution, filtered channel by channel, weighed by what the whole map holds (Hu et al. 2018),
 * and narrowed: [N, C, H, W] → [N, out, H / stride, W / stride]. The input is added where the shapes agree.
 */
class InvertedResidual implements Module {
  readonly expand: Conv2d | null;
  readonly depthwise: Conv2d;
  readonly squeeze: Conv2d | null;
  readonly excite: Conv2d | null;
  readonly project: Conv2d;
  private readonly config: BlockConfig;
  private readonly isResidual: boolean;
  private readonly activation: (x: Value) => Value;

  constructor(inChannels: number, config: BlockConfig, activation: (x: Value) => Value) {
    const { kernel, hidden, out, stride = 1, squeezed } = config;
    this.expand = hidden === inChannels ? null : new Conv2d(inChannels, hidden, 1, convInit);
    const padding = stride === 1 ? Math.floor(kernel / 2) : 0;
    this.depthwise = new Conv2d(hidden, hidden, kernel, { groups: hidden, stride, padding, ...convInit });
    this.squeeze = squeezed === undefined ? null : new Conv2d(hidden, squeezed, 1, convInit);
    this.excite = squeezed === undefined ? null : new Conv2d(squeezed, hidden, 1, convInit);
    this.project = new Conv2d(hidden, out, 1, convInit);
    this.config = config;
    this.isResidual = stride === 1 && inChannels === out;
    this.activation = activation;
  }

  forward(x: Value): Value {
    const { kernel, stride } = this.config;
    const wide = this.expand ? this.activation(this.expand.forward(x)) : x;
    let h = this.activation(stride === 2 ? halve(wide, this.depthwise, kernel) : this.depthwise.forward(wide));
    if (this.squeeze && this.excite) {
      const described = relu(this.squeeze.forward(reduceMean(h, [2, 3], { keepDims: true })));
      h = mul(h, hardSigmoid(this.excite.forward(described)));
    }
    const y = this.project.forward(h);
    return this.isResidual ? add(x, y) : y;
  }
}

/**
 * MobileNetV3 as the encoder of a detector that was trained on the photographs of COCO; its batch norms are folded into
 * the convolutions.
 *
 * [N, 3, H, W] in [0, 1], not normalized → four maps [N, widths[i], H / 2^(i+2), W / 2^(i+2)]; H and W divisible by 32.
 *
 * Howard et al. 2019, https://arxiv.org/abs/1905.02244. Unlike the paper: the narrower blocks of `centernet` in the npm
 * package @vladmandic/human (MIT), from where tools/models/import-mobilenet.ts takes the weights. That is its graph to
 * the last node, but for hard sigmoids with 1/6 in place of 0.1666.
 */
export class MobileNetV3 implements Backbone {
  readonly widths = widths;
  readonly stem: Conv2d;
  readonly stages: readonly (readonly InvertedResidual[])[];

  constructor() {
    this.stem = new Conv2d(3, stemWidth, 3, { stride: 2, ...convInit });
    let width = stemWidth;
    this.stages = blocks.map((stage, i) =>
      stage.map(block => {
        const made = new InvertedResidual(width, block, i < 2 ? relu : hardSwish);
        width = block.out;
        return made;
      }),
    );
  }

  forward(image: Value, _ctx: Context): readonly Value[] {
    const maps: Value[] = [];
    let h = hardSwish(halve(mul(image, scalar(255)), this.stem, 3));
    for (const stage of this.stages) {
      h = stage.reduce((x, block) => block.forward(x), h);
      maps.push(h);
    }
    return maps;
  }
}
