import { ShapeError } from '@forgelens/autograd';

import type { Image } from './image.ts';
import { writePngRows } from './png.ts';

/** Nine colours of matplotlib's magma, evenly spaced in [0, 1]: lightness rises evenly, so it reads without colour. */
const magma = [
  [0, 0, 4],
  [28, 16, 68],
  [79, 18, 123],
  [129, 37, 129],
  [181, 54, 122],
  [229, 80, 100],
  [251, 135, 97],
  [254, 194, 135],
  [252, 253, 191],
] as const;

const [black, white] = [0, 255];

/** The colour of a probability in [0, 1], safe for colour-blind readers. */
export function mapColour(probability: number): readonly [number, number, number] {
  const position = Math.min(Math.max(probability, 0), 1) * (magma.length - 1);
  const index = Math.min(Math.floor(position), magma.length - 2);
  const low = magma[index]!;
  const high = magma[index + 1]!;
  const mix = (c: 0 | 1 | 2) => Math.round(low[c] + (high[c] - low[c]) * (position - index));
  return [mix(0), mix(1), mix(2)];
}

/**
 * A probability map laid over its picture: the more probable, the more of the map's colour (at most 70 %), and a white
 * line with a black edge around what lies above the threshold.
 *
 * @param probabilities - [H · W] row-major, in [0, 1], of the image's own size
 * @throws {ShapeError} when the map does not have the image's number of pixels.
 */
export function overlay(image: Image, probabilities: Float32Array, { threshold = 0.5 } = {}): Image {
  requireMapOf(image, probabilities);
  const { width, height } = image;
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++)
    drawOverlayRow(image, probabilities, threshold, y, data.subarray(3 * y * width, 3 * (y + 1) * width));
  return { width, height, data };
}

/**
 * `overlay` as a PNG of 8 bits, made row by row: the overlay itself is never there as a whole.
 *
 * @throws {ShapeError} when the map does not have the image's number of pixels.
 */
export async function encodeOverlay(image: Image, probabilities: Float32Array, threshold: number): Promise<Uint8Array> {
  requireMapOf(image, probabilities);
  return writePngRows({
    ...{ width: image.width, height: image.height, channels: 3, bits: 8 },
    fill: (y, row) => drawOverlayRow(image, probabilities, threshold, y, row),
  });
}

function requireMapOf({ width, height }: Image, probabilities: Float32Array): void {
  if (probabilities.length !== width * height)
    throw new ShapeError(
      'overlay',
      `the map has ${probabilities.length} values but the image is ${width}×${height} = ${width * height} pixels; resize the map first`,
    );
}

const colours = Uint8Array.from(Array.from({ length: 256 }, (_, level) => mapColour(level / 255)).flat());

/** Draws one row of an overlay: row y goes to `out`, 3 · width bytes. */
function drawOverlayRow(
  { width, height, data }: Image,
  probabilities: Float32Array,
  threshold: number,
  y: number,
  out: Uint8Array,
): void {
  for (let x = 0, i = y * width; x < width; x++, i++) {
    const above = probabilities[i]! > threshold;
    // Outside of the image nothing is above.
    const isEdge =
      (x > 0 && probabilities[i - 1]! > threshold) !== above ||
      (x < width - 1 && probabilities[i + 1]! > threshold) !== above ||
      (y > 0 && probabilities[i - width]! > threshold) !== above ||
      (y < height - 1 && probabilities[i + width]! > threshold) !== above;
    if (isEdge) {
      out.fill(above ? white : black, 3 * x, 3 * x + 3);
      continue;
    }
    const probability = Math.min(Math.max(probabilities[i]!, 0), 1);
    const opacity = 0.7 * probability;
    const colour = 3 * Math.round(255 * probability);
    for (let c = 0; c < 3; c++)
      out[3 * x + c] = Math.round((1 - opacity) * data[3 * i + c]! + opacity * colours[colour + c]!);
  }
}
