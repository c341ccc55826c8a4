/** Our side of a job: its graph, the state it starts from, and inputs. */
import type { Graph, Shape } from '@forgelens/autograd';
import { Random, Tensor, build, float32, input, writeSafetensors } from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import type { FileWeights, LocalizerNetwork } from '@forgelens/models';
import { Cdfl, M2SFormer, Mpc, MpcContrast, PvtV2, Sdpal, UNet, bindWeights, hrFormer, pvtV2 } from '@forgelens/models';
import { adamW, evaluation, initialize } from '@forgelens/nn';
import { buildTrainingStep } from '@forgelens/train';
import type { Job } from './jobs.ts';

export interface Workload {
  readonly graph: Graph;
  readonly state: Tensors;
  readonly inputs: Tensors;
}

/** As the peer does: no path is dropped at random. */
const networks: Readonly<Record<Job['model'], () => LocalizerNetwork>> = {
  m2sformer: () => new M2SFormer({ backbone: new PvtV2({ ...pvtV2.b2, dropPath: 0 }) }),
  cdfl: () => new Cdfl(),
  sdpal: () => new Sdpal(),
  mpc: () => new Mpc({ backbone: { ...hrFormer.base, dropPath: 0 } }),
  'mpc-contrast': () => new MpcContrast({ backbone: { ...hrFormer.base, dropPath: 0 } }),
  unet: () => new UNet(),
};

/** A checkpoint of a network that has learned nothing. */
export const newCheckpoint = (model: Job['model']): Uint8Array =>
  writeSafetensors(initialize(networks[model](), 0), { model: JSON.stringify({ id: model }) });

/** @param weights - for inference; new ones otherwise */
export function workload(
  { model, mode, batch, size }: Pick<Job, 'model' | 'mode' | 'batch' | 'size'>,
  weights?: FileWeights,
): Workload {
  const network = networks[model]();
  const random = new Random('benchmark');
  const uniform = (shape: Shape): Tensor => filled(shape, () => random.uniform());
  const image = uniform([batch, 3, size, size]);
  if (mode === 'inference') {
    const x = input('float32', image.shape);
    const { logits } = network.forward(x, evaluation());
    const graph = build({
      inputs: { image: x },
      outputs: { logits },
      weights: bindWeights(network, weights ?? initialize(network, 0)),
    });
    return { graph, state: {}, inputs: { image } };
  }
  // As its recipe has it.
  const recompute = model === 'mpc-contrast';
  const step = buildTrainingStep(network, { optimizer: adamW({ weightDecay: 1e-4 }), batch, size, recompute });
  const mask = filled([batch, 1, size, size], () => (random.uniform() < 0.2 ? 1 : 0));
  return {
    graph: step.graph,
    state: step.initialState(initialize(network, 0)),
    inputs: { image, mask, learningRate: float32([], [1e-4]) },
  };
}

function filled(shape: Shape, next: () => number): Tensor {
  const tensor = new Tensor('float32', shape);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = next();
  return tensor;
}
