import type { Tensor } from '@forgelens/autograd';
import { build, input, sigmoid } from '@forgelens/autograd';
import type { Executable, Runtime } from '@forgelens/autograd/runtime/node';
import type { Image } from '@forgelens/imaging';
import { crop, padReflect, resizeImage, resizeMap, toTensor } from '@forgelens/imaging';
import type { LocalizerNetwork, SizePolicy } from '@forgelens/models';
import { bindWeights } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { evaluation } from '@forgelens/nn';
import type { Localization, Localizer, ModelInfo } from './localizer.ts';
import { tileOffsets, tileOverlap, tileRamp, tileSize } from './tiles.ts';

/** The image's score, in words: see `scoreOf`. */
export const scoreRule = 'mean of the highest 1 % of the probabilities';

/** The score of an image: the mean of the highest 1 % of its probabilities, at least one pixel. */
export function scoreOf(probabilities: Float32Array): number {
  const count = Math.max(1, Math.round(probabilities.length / 100));
  const highest = Float32Array.from(probabilities).sort().subarray(probabilities.length - count);
  return Math.min(1, highest.reduce((sum, p) => sum + p, 0) / count);
}

/** A size policy in words, as results state it. */
export const describeSizePolicy = (policy: SizePolicy): string =>
  policy.kind === 'resize'
    ? `resized to ${policy.size} × ${policy.size} px, the map resized back`
    : `native resolution, padded by reflection to a multiple of ${policy.multiple} px; tiles of ${tileSize} px that overlap by at least ${tileOverlap} px when larger`;

/** How many compiled graphs are kept: one for each size of image that was seen last. */
const keptGraphs = 4;

/**
 * A network with its weights as a localizer. Graphs are compiled for each size when it is first seen.
 *
 * @param runtime - closed with the localizer
 * @throws {CheckpointError} when the weights do not fit the network
 */
export function networkLocalizer(
  network: LocalizerNetwork,
  weights: Weights,
  { runtime, sizePolicy, info, who }: { readonly runtime: Runtime; readonly sizePolicy: SizePolicy; readonly info: ModelInfo; readonly who: string },
): Localizer {
  const bound = bindWeights(network, weights, who);
  const compiled = new Map<string, Promise<Executable>>();

  async function executableFor(height: number, width: number): Promise<Executable> {
    const key = `${height}×${width}`;
    let executable = compiled.get(key);
    compiled.delete(key);
    if (executable === undefined) {
      const image = input('float32', [1, 3, height, width]);
      const { logits } = network.forward(image, evaluation());
      executable = runtime.compile(build({ inputs: { image }, outputs: { probabilities: sigmoid(logits) }, weights: bound }));
      const oldest = compiled.size >= keptGraphs ? [...compiled][0] : undefined;
      if (oldest) {
        compiled.delete(oldest[0]);
        await (await oldest[1]).close();
      }
    }
    compiled.set(key, executable);
    return executable;
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

  async function locateTiles(image: Image, multiple: number): Promise<Float32Array> {
    const [columns, rows] = [tileOffsets(image.width), tileOffsets(image.height)];
    const tileWidth = Math.min(tileSize, roundUp(image.width, multiple));
    const tileHeight = Math.min(tileSize, roundUp(image.height, multiple));
    const sums = new Float32Array(image.width * image.height);
    const counts = new Float32Array(image.width * image.height);
    for (const [r, top] of rows.entries())
      for (const [c, left] of columns.entries()) {
        const [width, height] = [Math.min(tileWidth, image.width - left), Math.min(tileHeight, image.height - top)];
        const tile = crop(image, left, top, width, height);
        const map = await run(padReflect(tile, { right: tileWidth - width, bottom: tileHeight - height }));
        const across = tileRamp(tileWidth, tileOverlap, { before: c > 0, after: c < columns.length - 1 });
        const down = tileRamp(tileHeight, tileOverlap, { before: r > 0, after: r < rows.length - 1 });
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const at = (top + y) * image.width + left + x;
            const share = across[x]! * down[y]!;
            sums[at]! += map[y * tileWidth + x]! * share;
            counts[at]! += share;
          }
      }
    for (let i = 0; i < sums.length; i++) sums[i]! /= counts[i]!;
    return sums;
  }

  async function probabilitiesOf(image: Image): Promise<Float32Array> {
    if (sizePolicy.kind === 'resize') {
      const { size } = sizePolicy;
      return resizeMap(await run(resizeImage(image, size, size)), { width: size, height: size }, image.width, image.height);
    }
    const large = image.width > tileSize || image.height > tileSize;
    return large ? locateTiles(image, sizePolicy.multiple) : locateWhole(image, sizePolicy.multiple);
  }

  return {
    info,
    async locate(image: Image): Promise<Localization> {
      const probabilities = await probabilitiesOf(image);
      return { width: image.width, height: image.height, probabilities, score: scoreOf(probabilities) };
    },
    async close() {
      for (const executable of compiled.values()) await (await executable).close();
      compiled.clear();
      await runtime.close();
    },
  };
}

const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

function cropMap(map: Float32Array, stride: number, width: number, height: number): Float32Array {
  if (stride === width && map.length === width * height) return map;
  const cropped = new Float32Array(width * height);
  for (let y = 0; y < height; y++) cropped.set(map.subarray(y * stride, y * stride + width), y * width);
  return cropped;
}
