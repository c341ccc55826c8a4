import type { Value } from '@forgelens/autograd';
import { ShapeError, nchw } from '@forgelens/autograd';
import type { Context } from '@forgelens/nn';
import { BatchNorm2d, Conv2d } from '@forgelens/nn';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';

/** A checkpoint of PyTorch that holds weights of `small`; made by tools/golden/pytorch.py. */
export const officialCheckpoint = new URL('fixtures/official.pth', import.meta.url);

/** A network of 67 numbers, which knows nothing of forgeries. */
class Small implements LocalizerNetwork {
  readonly encoder = new Conv2d(3, 2, 3, { padding: 1 });
  readonly norm = new BatchNorm2d(2);
  readonly head = new Conv2d(2, 1, 1);
  forward(image: Value, ctx: Context): LocalizerOutput {
    const [, , height, width] = nchw(image, 'Small image');
    if (height % 2 !== 0 || width % 2 !== 0)
      throw new ShapeError('Small', `height and width must be even, got ${height}×${width}; pad the image first`);
    return { logits: this.head.forward(this.norm.forward(this.encoder.forward(image), ctx)) };
  }
  loss = ({ logits }: LocalizerOutput): Value => logits;
}

const places = { encoder: '0', norm: '1', head: '2' };

export const small: ModelDefinition = {
  id: 'small',
  title: 'Small',
  source: 'made for tests',
  sizePolicy: { kind: 'native', multiple: 2 },
  limitations: [],
  create: () => new Small(),
  officialName: name =>
    name
      .replace(/^(encoder|norm|head)/, part => places[part as keyof typeof places])
      .replace(/running(Mean|Var)/, (_, what: string) => `running_${what.toLowerCase()}`),
  officialConstants: /num_batches_tracked$/,
};
