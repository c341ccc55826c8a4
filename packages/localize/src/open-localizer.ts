import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CheckpointError, DataError, UsageError } from '@forgelens/autograd';
import type { Runtime } from '@forgelens/autograd/runtime/node';
import { inWorker, openSafetensors } from '@forgelens/autograd/runtime/node';
import type { Checkpoint, FileWeights, ModelDefinition } from '@forgelens/models';
import { checkpointOf, networks } from '@forgelens/models';
import { countParameters } from '@forgelens/nn';
import type { Localizer, ModelCard } from './localizer.ts';
import { unknownModel } from './localizer.ts';
import type { OpenedModel, ShippedCard } from './model.ts';
import { inputContract, modelOf, operatingPointFor } from './model.ts';
import { describeSizePolicy, networkLocalizer } from './network-localizer.ts';

/** Where weights that come with the program are, each in the folder of its model, beside their card. */
export const shippedFolder = new URL('../weights/', import.meta.url);

const definitions: readonly ModelDefinition[] = Object.values(networks);

/** The cards of all models that are known by an id, with and without shipped weights. */
export const modelCards = (): Promise<readonly ModelCard[]> => Promise.all(definitions.map(cardOf));

async function cardOf(definition: ModelDefinition): Promise<ModelCard> {
  const shipped = await readShipped(definition.id);
  const sha = shipped && (await sha256(shipped.path));
  return {
    id: definition.id,
    name: definition.title,
    source: definition.source,
    parameters: countParameters(definition.create()),
    input: inputContract,
    sizePolicy: describeSizePolicy(definition.sizePolicy),
    weights: shipped && {
      bytes: (await stat(shipped.path)).size,
      sha256: sha!,
      licence: shipped.card.licence,
    },
    scores: shipped?.card.scores ?? [],
    operatingPoint: shipped && operatingPointFor(shipped.card, sha!),
    limitations: definition.limitations,
  };
}

/**
 * Opens a model for looking at images; its networks run in a worker, so the caller's thread is never blocked.
 *
 * @param idOrPath - the id of a model with shipped weights, or the path of a `.safetensors` checkpoint
 * @param runtime - ONNX Runtime on the CPU in a worker unless another is given; closed with the localizer
 * @throws {UsageError} when it is neither, or a model without weights; or when `maxBytes` is too little for it
 * @throws {CheckpointError} when the weights do not fit the network that the file names
 */
export async function openLocalizer(
  idOrPath: string,
  runtime: Runtime = inWorker('cpu'),
  { maxBytes }: { maxBytes?: number } = {},
): Promise<Localizer> {
  try {
    const { network, weights, sizePolicy, info, who } = await openModel(idOrPath);
    return networkLocalizer(network, weights, { runtime, sizePolicy, info, who, maxBytes });
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/**
 * Opens a model: its network with its weights.
 *
 * @param idOrPath - the id of a model with shipped weights, or the path of a `.safetensors` checkpoint
 * @throws {UsageError} when it is neither, or a model without weights
 * @throws {CheckpointError} when the file is no checkpoint, or does not name a known network
 */
export async function openModel(idOrPath: string): Promise<OpenedModel> {
  const definition = definitions.find(({ id }) => id === idOrPath);
  const shipped = definition && (await readShipped(definition.id));
  if (definition && !shipped)
    throw new UsageError(
      `model "${idOrPath}" has no weights here; train it (forgelens train configs/${idOrPath}.yaml) and give the path of its checkpoint`,
    );
  if (!shipped && !(await isFile(idOrPath)))
    throw unknownModel(
      idOrPath,
      definitions.map(({ id }) => id),
    );

  const path = shipped?.path ?? idOrPath;
  const who = shipped ? `the weights of ${idOrPath}` : idOrPath;
  return modelOf(await openCheckpoint(path, who), {
    ...{ who, sha256: await sha256(path) },
    shipped: shipped ? { id: idOrPath, card: shipped.card } : null,
  });
}

/** A file that is no checkpoint makes the model invalid, whatever is wrong with the file. */
async function openCheckpoint(path: string, who: string): Promise<Checkpoint<FileWeights>> {
  try {
    return checkpointOf(await openSafetensors(path, who), who);
  } catch (error) {
    if (error instanceof DataError)
      throw new CheckpointError(who, error.message.replace(`${who}: `, ''), { cause: error });
    throw error;
  }
}

async function readShipped(id: string): Promise<{ readonly path: string; readonly card: ShippedCard } | null> {
  const folder = new URL(`${id}/`, shippedFolder);
  if (!(await isFile(new URL('card.json', folder)))) return null;
  const card = JSON.parse(await readFile(new URL('card.json', folder), 'utf8')) as ShippedCard;
  return { path: fileURLToPath(new URL('weights.safetensors', folder)), card };
}

const isFile = async (path: string | URL): Promise<boolean> =>
  stat(path).then(
    found => found.isFile(),
    () => false,
  );

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
