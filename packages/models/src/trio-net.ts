import type { Value } from '@forgelens/autograd';
import { ShapeError, add, nchw, resizeBilinear } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d, kaimingNormal } from '@forgelens/nn';
import { MobileNetV3 } from './backbones/mobilenet-v3.ts';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';
import { BlockHistory } from './parts/block-history.ts';
import { TraceNet, traceNetWidths } from './trace-net.ts';

const historyWidth = 64;

/** A 1×1 convolution of several maps and a batch norm, to be added to another map. */
class Addition implements Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;
  constructor(inChannels: number, outChannels: number) {
    this.conv = new Conv2d(inChannels, outChannels, 1, { bias: false, initializer: kaimingNormal });
    this.norm = new BatchNorm2d(outChannels);
  }
  forward(maps: readonly Value[], ctx: Context): Value {
    return this.norm.forward(this.conv.forward(maps), ctx);
  }
}

/**
 * TrioNet: TraceNet's residual traces, joined in its encoder by two more looks at the picture: what the JPEG blocks tell
 * of its history, and what an encoder that was trained on photographs of everyday scenes sees in it.
 *
 * [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 32.
 */
export class TrioNet implements LocalizerNetwork {
  readonly traces: TraceNet;
  readonly history: BlockHistory;
  readonly scene: MobileNetV3;
  /** Into TraceNet's maps at 1/4, 1/8 and 1/16. */
  readonly additions: readonly Addition[];

  constructor() {
    this.traces = new TraceNet();
    this.history = new BlockHistory(historyWidth);
    this.scene = new MobileNetV3();
    const [quarter, eighth, sixteenth, least] = this.scene.widths;
    const inChannels = [quarter, eighth + historyWidth, sixteenth + least];
    this.additions = inChannels.map((channels, i) => new Addition(channels, traceNetWidths[i + 1]!));
  }

  forward(image: Value, ctx: Context): LocalizerOutput {
    const [, , height, width] = nchw(image, 'TrioNet image');
    if (height % 32 !== 0 || width % 32 !== 0)
      throw new ShapeError(
        'TrioNet',
        `height and width must be divisible by 32, got ${height}×${width}; pad the image first`,
      );
    const history = this.history.forward(image, ctx);
    const [quarter, eighth, sixteenth, least] = this.scene.forward(image, ctx) as [Value, Value, Value, Value];
    const enlarged = resizeBilinear(least, [height / 16, width / 16]);
    const maps = [[quarter], [eighth, history], [sixteenth, enlarged]];
    return this.traces.forward(image, ctx, (h, level) =>
      level === 0 ? h : add(h, this.additions[level - 1]!.forward(maps[level - 1]!, ctx)),
    );
  }

  /** As TraceNet's. */
  loss(output: LocalizerOutput, mask: Value): Value {
    return this.traces.loss(output, mask);
  }
}

export const trioNet: ModelDefinition = {
  id: 'trionet',
  title: 'TrioNet, our localizer: residual traces, JPEG history and a scene encoder',
  source: 'forgelens',
  sizePolicy: { kind: 'native', multiple: 32 },
  limitations: [
    'Trained on small pictures (mostly 384 × 256) with splices and copy-moves, and on forgeries made by our generator.',
    'Not trained on pictures made or edited by generative networks, on screenshots or on documents.',
    'What it reads from JPEG blocks is gone when a forgery was cropped or resized after its last but one compression.',
  ],
  create: () => new TrioNet(),
};
