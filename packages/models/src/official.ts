import type { Shape } from '@forgelens/autograd';
import { CheckpointError, DataError, StoredTensor, readPytorch, sameShape } from '@forgelens/autograd';
import { namedParameters } from '@forgelens/nn';
import type { LocalizerNetwork, ModelDefinition } from './network.ts';

/** Where trainings keep the weights among their epoch, optimizer and the like; tried in this order. */
const containers = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights'];

/**
 * What all names of a checkpoint may begin with, and with what they begin in the table of the model: as it is; behind
 * DataParallel; and an encoder that was trained by itself, as in the first stage of MPC.
 */
const prefixes = [
  { found: '', meant: '' },
  { found: 'module.', meant: '' },
  { found: '', meant: 'encoder.' },
  { found: 'module.', meant: 'encoder.' },
] as const;

/** The names of a network's parameters by their names in its official checkpoint. */
export const officialNames = (
  network: LocalizerNetwork,
  { officialName = name => name }: Pick<ModelDefinition, 'officialName'>,
): ReadonlyMap<string, string> =>
  new Map([...namedParameters(network).keys()].map(name => [officialName(name), name] as const));

/**
 * Reads the tensors of an official checkpoint of PyTorch that a network needs; see `matchOfficial`.
 * @throws {CheckpointError} when the file is no such checkpoint, or wants to run something, or does not fit
 */
export function readOfficial(
  bytes: Uint8Array,
  definition: ModelDefinition,
  who: string,
): ReadonlyMap<string, StoredTensor> {
  try {
    return matchOfficial(readPytorch(bytes, who), definition, who);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new CheckpointError(who, error.message.slice(error.path.length + 2), { cause: error });
  }
}

/**
 * The tensors of an official checkpoint that a network needs, by their official names and in the network's order. They
 * are not read yet. Counters, and constants that the network computes, are left out.
 *
 * @param saved - what `readPytorch` gives
 * @param who - names the checkpoint in errors
 * @throws {CheckpointError} when there are no weights in it, or with every name that is missing, extra, of another
 * shape or not of floating-point numbers
 */
export function matchOfficial(
  saved: unknown,
  definition: ModelDefinition,
  who: string,
): ReadonlyMap<string, StoredTensor> {
  const stateDict = findStateDict(saved, who);
  const network = definition.create();
  const parameters = namedParameters(network);
  const needed = new Map<string, Shape>();
  for (const [official, name] of officialNames(network, definition)) needed.set(official, parameters.get(name)!.shape);

  const readings = prefixes.map(({ found, meant }) => {
    const named = [...stateDict].map(
      ([name, tensor]) => [name.startsWith(found) ? meant + name.slice(found.length) : name, tensor] as const,
    );
    return { named, known: named.filter(([name]) => needed.has(name)).length };
  });
  const most = Math.max(...readings.map(({ known }) => known));
  const tensors = new Map(
    readings.find(({ known }) => known === most)!.named.filter(([name]) => !definition.officialConstants?.test(name)),
  );

  const problems: string[] = [];
  const matched = new Map<string, StoredTensor>();
  for (const [name, shape] of needed) {
    const tensor = tensors.get(name);
    if (tensor === undefined) problems.push(`missing ${name} [${shape}]`);
    else if (!tensor.dtype.startsWith('float') || !sameShape(tensor.shape, shape))
      problems.push(`${name} is ${tensor.dtype} [${tensor.shape}], not of floats [${shape}]`);
    else matched.set(name, tensor);
  }
  for (const [name, { shape }] of tensors) if (!needed.has(name)) problems.push(`extra ${name} [${shape}]`);
  if (problems.length > 0)
    throw new CheckpointError(
      who,
      `${problems.length} names do not fit the ${needed.size} of ${definition.id}: ${problems.join(', ')}; use the official checkpoint of this very network`,
    );
  return matched;
}

/** Tensors by name, wherever in a checkpoint they are. */
function findStateDict(saved: unknown, who: string): ReadonlyMap<string, StoredTensor> {
  const places = [saved, ...containers.map(key => (saved instanceof Map ? (saved.get(key) as unknown) : null))];
  for (const place of places) if (isStateDict(place)) return place;
  const keys = saved instanceof Map ? [...saved.keys()].filter(key => typeof key === 'string') : [];
  throw new CheckpointError(
    who,
    `holds no weights: neither tensors by name, nor any under ${containers.join(', ')}, but ${keys.length > 0 ? keys.join(', ') : 'none of these'}`,
  );
}

const isStateDict = (value: unknown): value is ReadonlyMap<string, StoredTensor> =>
  value instanceof Map &&
  value.size > 0 &&
  [...value].every(([name, tensor]) => typeof name === 'string' && tensor instanceof StoredTensor);
