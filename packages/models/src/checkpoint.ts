import type { Safetensors, FileTensor, Tensor, Value, Weight } from '@forgelens/autograd';
import {
  CheckpointError,
  Tensor as HostTensor,
  fromFloat16,
  readSafetensors,
  sameShape,
  toFloat16Bits,
} from '@forgelens/autograd';
import type { Weights } from '@forgelens/nn';
import { namedParameters } from '@forgelens/nn';
import type { LocalizerNetwork } from './network.ts';
import type { NetworkSpec } from './networks.ts';
import { createNetwork, networks } from './networks.ts';
import { officialNames } from './official.ts';

/** Names that start so are not of the network: what optimizers keep, and moving averages of weights. */
const trainingState = /^(sgd|adam|adamw|ema)\./;

/** Whether a tensor of a checkpoint is needed to go on training, but not to use the network. */
export const isTrainingState = (name: string): boolean => trainingState.test(name);

/** The metadata of a file whose parameters have the names of the official checkpoint, as `models import` writes it. */
export const inOfficialNames = { names: 'official' } as const;

/** Tensors by parameter name, of which some may still be in their file. */
export type FileWeights = Readonly<Record<string, Tensor | FileTensor>>;

/** A network's weights and buffers, and what the file says about them. */
export interface Checkpoint<W extends FileWeights = Weights> {
  /** By our names, whichever the file has. */
  readonly weights: W;
  /** The network they belong to; null where the file does not say. */
  readonly model: NetworkSpec | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the weights of a `.safetensors` file. A checkpoint of a training holds more, which is left out.
 *
 * @param path - names the file in errors
 * @throws {DataError} when the file is cut off or is no safetensors file
 * @throws {CheckpointError} when what it says of its model is not JSON
 */
export const readCheckpoint = (bytes: Uint8Array, path = 'checkpoint'): Checkpoint =>
  checkpointOf(readSafetensors(bytes, path), path);

/**
 * The weights of a `.safetensors` file, some of which may not have been read.
 *
 * @param path - names the file in errors
 * @throws {CheckpointError} when what it says of its model is not JSON
 */
export function checkpointOf<T extends Tensor | FileTensor>(
  { tensors, metadata }: Safetensors<T>,
  path: string,
): Checkpoint<Readonly<Record<string, T | Tensor>>> {
  const weights = Object.fromEntries(
    [...tensors].filter(([name]) => !isTrainingState(name)).map(([name, tensor]) => [name, widened(tensor)]),
  );
  const model = parseModel(metadata['model'], path);
  const isOfficial = metadata['names'] === inOfficialNames.names;
  return { weights: isOfficial && model ? inOurNames(weights, model) : weights, model, metadata };
}

function parseModel(text: string | undefined, path: string): NetworkSpec | null {
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as NetworkSpec;
  } catch (error) {
    throw new CheckpointError(path, `its entry "model" is not JSON: ${text}`, { cause: error });
  }
}

/** Weights by our names, where the network is known. */
function inOurNames<T>(weights: Readonly<Record<string, T>>, model: NetworkSpec): Readonly<Record<string, T>> {
  if (!Object.hasOwn(networks, model.id)) return weights;
  const ours = officialNames(createNetwork(model), networks[model.id]);
  return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [ours.get(name) ?? name, tensor]));
}

/** Weights that are stored as float16 to save space are used as float32. */
const widened = <T extends Tensor | FileTensor>(tensor: T): T | Tensor =>
  tensor instanceof HostTensor && tensor.dtype === 'float16'
    ? new HostTensor('float32', tensor.shape, fromFloat16(tensor.data as Uint16Array))
    : tensor;

/**
 * Weights as float16, for half the space.
 * @throws {CheckpointError} when a number is not finite, or beyond what float16 holds
 */
export function narrowed(weights: Weights): Weights {
  const narrow = ([name, { shape, data }]: [string, Tensor]) => {
    const bits = Uint16Array.from(data as Float32Array, toFloat16Bits);
    if (bits.some(half => (half & 0x7c00) === 0x7c00))
      throw new CheckpointError(name, 'has a number that is not finite, or beyond the 65504 of float16');
    return [name, new HostTensor('float16', shape, bits)] as const;
  };
  return Object.fromEntries(Object.entries(weights).map(narrow));
}

/**
 * The weights and buffers of a network as `build` takes them.
 *
 * @param who - names the weights in errors, mostly the file they come from
 * @throws {CheckpointError} with every name that is missing, extra, or of another shape or dtype
 */
export function bindWeights<T extends Tensor | FileTensor>(
  network: LocalizerNetwork,
  weights: Readonly<Record<string, T>>,
  who = 'checkpoint',
): ReadonlyMap<Value, Weight<T>> {
  const parameters = namedParameters(network);
  const problems: string[] = [];
  for (const [name, { shape }] of parameters) {
    const tensor = weights[name];
    if (tensor === undefined) problems.push(`missing ${name} [${shape}]`);
    else if (tensor.dtype !== 'float32' || !sameShape(tensor.shape, shape))
      problems.push(`${name} is ${tensor.dtype} [${tensor.shape}], not float32 [${shape}]`);
  }
  for (const [name, { shape }] of Object.entries(weights))
    if (!parameters.has(name)) problems.push(`extra ${name} [${shape}]`);
  if (problems.length > 0)
    throw new CheckpointError(
      who,
      `${problems.length} names do not fit the network's ${parameters.size}: ${problems.join(', ')}; use the checkpoint of this very network`,
    );
  return new Map([...parameters].map(([name, value]) => [value, { name, tensor: weights[name]! }]));
}
