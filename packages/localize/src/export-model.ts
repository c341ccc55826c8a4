import type { OnnxModel, Tensor } from '@forgelens/autograd';
import { build, CheckpointError, input, Random, sigmoid, Tensor as HostTensor, writeOnnx } from '@forgelens/autograd';
import type { Runtime } from '@forgelens/autograd/runtime/node';
import { openOnnx, readFileTensors, runOnce } from '@forgelens/autograd/runtime/node';
import { bindWeights, narrowed } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { evaluation } from '@forgelens/nn';
import type { OpenedModel } from './model.ts';
import { software } from './software.ts';

/**
 * How far probabilities of an exported model may be from those of the model. Weights rounded to float16 are off by up
 * to 1 in 2048.
 */
const tolerances = { float32: 1e-5, float16: 2e-2 } as const;

export type Precision = keyof typeof tolerances;

/** A model as an ONNX file of standard operators: `image` [1, 3, H, W] in, `probabilities` [1, 1, H, W] out. */
export interface ExportedModel {
  readonly model: OnnxModel;
  readonly metadata: Readonly<Record<string, string>>;
  /** The most that a probability of the file differs from the model's, on an image of noise and edges. */
  readonly difference: number;
}

/**
 * Writes a model for images of size × size px as ONNX, and compares what the file computes with what the model does.
 *
 * With precision float16, weights are stored in half the space, and cast to float32 when the file is loaded: so it runs
 * wherever float32 does. Few processors and not all browsers compute in float16, and ONNX Runtime casts there around
 * every node, which makes the file slower than one in float32.
 *
 * @param runtime - runs the model itself
 * @throws {ShapeError} when the size does not suit the network
 * @throws {CheckpointError} when the weights do not fit the network, or the file computes something else
 */
export async function exportModel(
  { network, weights: stored, info, who }: OpenedModel,
  { size, precision }: { readonly size: number; readonly precision: Precision },
  runtime: Runtime,
): Promise<ExportedModel> {
  const image = input('float32', [1, 3, size, size]);
  const probabilities = sigmoid(network.forward(image, evaluation()).logits);
  const bound = bindWeights(network, stored, who);
  const weights = await readFileTensors(stored);
  const graphOf = (tensors: Weights) =>
    build({
      inputs: { image },
      outputs: { probabilities },
      weights: new Map([...bound].map(([value, { name }]) => [value, { name, tensor: tensors[name]! }])),
    });
  const metadata = {
    model: info.id,
    name: info.name,
    version: info.version,
    licence: info.licence,
    weightsSha256: info.weightsSha256,
    input: `image: float32 [1, 3, ${size}, ${size}], ${info.input}`,
    output: `probabilities: float32 [1, 1, ${size}, ${size}], of tampering, [0, 1]`,
    sizePolicy: info.sizePolicy,
    precision: precision === 'float32' ? 'float32' : 'weights stored as float16, computed in float32',
    limitations: info.limitations.join(' '),
    madeBy: `${software.name} ${software.version}`,
  };
  const model = writeOnnx(graphOf(precision === 'float16' ? narrowed(weights) : weights), { metadata });

  const inputs = { image: testImage(size) };
  const expected = (await runOnce(runtime, graphOf(weights), inputs))['probabilities']!;
  const executable = await openOnnx(model);
  const actual = (await executable.run(inputs))['probabilities']!;
  await executable.close();
  const difference = greatestDifference(actual, expected);
  if (!(difference <= tolerances[precision]))
    throw new CheckpointError(
      who,
      `exported as ${precision}, its probabilities differ by up to ${difference.toPrecision(2)}, more than ${tolerances[precision]}; nothing was written`,
    );
  return { model, metadata, difference };
}

/** Smooth shades, an edge and noise: what photographs are made of. [1, 3, size, size] in [0, 1]. */
function testImage(size: number): Tensor<'float32'> {
  const random = new Random('export');
  const image = new HostTensor('float32', [1, 3, size, size]);
  for (let i = 0; i < image.size; i++) {
    const [x, y] = [(i % size) / size, (Math.floor(i / size) % size) / size];
    const inside = Math.hypot(x - 0.4, y - 0.6) < 0.2;
    image.data[i] = 0.3 + 0.2 * x + 0.2 * y + (inside ? 0.15 : 0) + random.uniform(0, inside ? 0.02 : 0.1);
  }
  return image;
}

function greatestDifference(a: Tensor, b: Tensor): number {
  let greatest = 0;
  for (let i = 0; i < a.size; i++) {
    const difference = Math.abs(Number(a.data[i]) - Number(b.data[i]));
    if (!(difference <= greatest)) greatest = difference; // NaN too
  }
  return greatest;
}
