import type { Tensor } from '@forgelens/autograd';
import { build, costOf, input, sigmoid, UsageError } from '@forgelens/autograd';
import type { Graph } from '@forgelens/autograd';
import type { Executable, Runtime } from '@forgelens/autograd/runtime/node';
import type { Image } from '@forgelens/imaging';
import { crop, padReflect, resizeImage, resizeMap, toTensor } from '@forgelens/imaging';
import type { FileWeights, LocalizerNetwork, SizePolicy } from '@forgelens/models';
import { bindWeights } from '@forgelens/models';
import { evaluation } from '@forgelens/nn';
import type { Localization, Localizer, LocateOptions, ModelInfo, Seen } from './localizer.ts';
import { seenWhole } from './localizer.ts';
import { scoreOf } from './score.ts';
import type { TileSpan } from './tiles.ts';
import { hugePixels, hugeTileSize, tileOverlap, tileSize, tileSizeFor, tileSizes, tileSpans } from './tiles.ts';

/** A size policy in words, as results state it. */
export const describeSizePolicy = (policy: SizePolicy, tile: number = tileSize): string =>
  policy.kind === 'resize'
    ? `resized to ${policy.size} × ${policy.size} px, the map resized back`
    : `native resolution, padded by reflection to a multiple of ${policy.multiple} px; tiles of ${tile} px${tile > hugeTileSize ? ` (${hugeTileSize} px over ${Math.round(hugePixels / 1e6)} megapixels)` : ''} that overlap by at least ${tileOverlap} px when larger`;

export interface NetworkLocalizerOptions {
  readonly runtime: Runtime;
  readonly sizePolicy: SizePolicy;
  readonly info: ModelInfo;
  /** Names the weights in errors. */
  readonly who: string;
  /**
   * What one run may take for all that the network computes on the way, besides weights and the image's own pixels.
   * Tiles are made as small as that needs. Unlimited by default.
   */
  readonly maxBytes?: number;
}

/** How many compiled graphs are kept: one for each size of image that was seen last. */
const keptGraphs = 4;

/**
 * A network with its weights as a localizer. Graphs are compiled for each size when it is first seen. Images that are
 * asked for at the same time are looked at one after the other.
 *
 * @param runtime - closed with the localizer
 * @throws {CheckpointError} when the weights do not fit the network
 */
export function networkLocalizer(
  network: LocalizerNetwork,
  weights: FileWeights,
  { runtime, sizePolicy, info, who, maxBytes = Infinity }: NetworkLocalizerOptions,
): Localizer {
  const bound = bindWeights(network, weights, who);
  const tile = maxBytes === Infinity || sizePolicy.kind === 'resize' ? tileSize : fittingTile(maxBytes, graphOf, who);
  /** By size, the one that was used last at the end. */
  const compiled = new Map<string, Executable>();
  let last: Promise<unknown> = Promise.resolve();

  /** Starts when everything before has ended: an executable must not be run twice at a time, nor closed in a run. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    // Not the result itself, which would be kept until the next one: of a huge image it is the largest thing there is.
    last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async function closeGraphs(): Promise<void> {
    for (const executable of compiled.values()) await executable.close();
    compiled.clear();
  }

  async function executableFor(height: number, width: number): Promise<Executable> {
    const size = `${height}×${width}`;
    const executable = compiled.get(size) ?? (await compile(height, width));
    compiled.delete(size);
    compiled.set(size, executable);
    return executable;
  }

  async function compile(height: number, width: number): Promise<Executable> {
    const [oldest] = compiled;
    if (oldest && compiled.size >= keptGraphs) {
      compiled.delete(oldest[0]);
      await oldest[1].close();
    }
    return runtime.compile(graphOf(height, width));
  }

  function graphOf(height: number, width: number): Graph {
    const image = input('float32', [1, 3, height, width]);
    const { logits } = network.forward(image, evaluation());
    return build({ inputs: { image }, outputs: { probabilities: sigmoid(logits) }, weights: bound });
  }

  async function run(image: Image): Promise<Float32Array> {
    const executable = await executableFor(image.height, image.width);
    const { probabilities } = await executable.run({ image: toTensor([image]) });
    return (probabilities as Tensor<'float32'>).data;
  }

  /** The map of an image that is small enough to be looked at in one piece. */
  async function locateWhole(image: Image, multiple: number): Promise<Float32Array> {
    const [width, height] = [roundUp(image.width, multiple), roundUp(image.height, multiple)];
    const padded = padReflect(image, { right: width - image.width, bottom: height - image.height });
    return cropMap(await run(padded), width, image.width, image.height);
  }

  async function locateTiles(
    image: Image,
    multiple: number,
    tile: number,
    { onProgress, signal }: LocateOptions,
  ): Promise<{ probabilities: Float32Array; seen: Seen }> {
    const [down, across] = [tileSpans(image.height, tile), tileSpans(image.width, tile)];
    const tileWidth = Math.min(tile, roundUp(image.width, multiple));
    const tileHeight = Math.min(tile, roundUp(image.height, multiple));
    const blended = new Float32Array(image.width * image.height);
    let done = 0;
    for (const row of down)
      for (const column of across) {
        signal?.throwIfAborted();
        const [width, height] = [column.shares.length, row.shares.length];
        const part = crop(image, column.start, row.start, width, height);
        const map = await run(padReflect(part, { right: tileWidth - width, bottom: tileHeight - height }));
        addTile(blended, image.width, { map, width: tileWidth, across: column, down: row });
        onProgress?.(++done, down.length * across.length);
      }
    // What a graph keeps is wanted for what comes of a huge map; to compile it again takes nothing beside the tiles.
    if (image.width * image.height > hugePixels) await closeGraphs();
    const tiles = { size: tile, overlap: tileOverlap, columns: across.length, rows: down.length };
    return { probabilities: blended, seen: { scale: [1, 1], tiles } };
  }

  async function look(image: Image, options: LocateOptions): Promise<{ probabilities: Float32Array; seen: Seen }> {
    const { width, height } = image;
    const side = tileSizeFor(image, tile);
    if (sizePolicy.kind === 'native' && (width > side || height > side))
      return locateTiles(image, sizePolicy.multiple, side, options);
    options.signal?.throwIfAborted();
    if (sizePolicy.kind === 'native')
      return { probabilities: await locateWhole(image, sizePolicy.multiple), seen: seenWhole };
    const { size } = sizePolicy;
    const map = await run(resizeImage(image, size, size));
    return {
      probabilities: resizeMap(map, { width: size, height: size }, width, height),
      seen: { scale: [size / width, size / height], tiles: null },
    };
  }

  return {
    info: tile === tileSize ? info : { ...info, sizePolicy: describeSizePolicy(sizePolicy, tile) },
    async locate(image, options = {}): Promise<Localization> {
      const { probabilities, seen } = await inTurn(() => look(image, options));
      // Sums of shares may be rounded to just above 1.
      for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! > 1) probabilities[i] = 1;
      return { width: image.width, height: image.height, probabilities, score: scoreOf(probabilities), seen };
    },
    close: () =>
      inTurn(async () => {
        await closeGraphs();
        await runtime.close();
      }),
  };
}

/** @throws {UsageError} when not even the smallest tile fits into `maxBytes` */
function fittingTile(maxBytes: number, graphOf: (height: number, width: number) => Graph, who: string): number {
  const needs = (size: number) => costOf(graphOf(size, size)).activationBytes.peak;
  const fitting = tileSizes.find(size => needs(size) <= maxBytes);
  if (fitting !== undefined) return fitting;
  const smallest = tileSizes.at(-1)!;
  throw new UsageError(
    `${who}: a tile of ${smallest} px takes ${megabytes(needs(smallest))} of memory but ${megabytes(maxBytes)} are allowed; allow more`,
  );
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

function cropMap(map: Float32Array, stride: number, width: number, height: number): Float32Array {
  if (stride === width && map.length === width * height) return map;
  const cropped = new Float32Array(width * height);
  for (let y = 0; y < height; y++) cropped.set(map.subarray(y * stride, y * stride + width), y * width);
  return cropped;
}

/** Adds a tile's map, of which each row has `width` values, to the map of the whole image. */
function addTile(
  blended: Float32Array,
  stride: number,
  { map, width, across, down }: { map: Float32Array; width: number; across: TileSpan; down: TileSpan },
): void {
  const { shares } = across;
  for (const [y, share] of down.shares.entries()) {
    const [from, to] = [y * width, (down.start + y) * stride + across.start];
    for (let x = 0; x < shares.length; x++) blended[to + x]! += map[from + x]! * share * shares[x]!;
  }
}
