import { crop, flipHorizontal, resizePlanes, type Image, type Mask } from '@forgelens/imaging/pixels';

import { boundingBox, widened, type Box } from './regions.ts';

/** A part of a picture to be laid onto another: [H, W, 3] in levels of 0–255, and its opacity [H · W] in [0, 1]. */
export interface Patch {
  readonly width: number;
  readonly height: number;
  readonly colours: Float32Array;
  readonly alpha: Float32Array;
}

/** Where the top left corner of a patch lies on a canvas, in px. */
export interface Place {
  readonly left: number;
  readonly top: number;
}

/** A picture that is being edited, and how it was before. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** [H, W, 3], levels of 0–255. */
  readonly data: Uint8ClampedArray;
  /** [H · W], 1 where an edit has changed most of the pixel. */
  readonly tampered: Uint8Array;
}

export const canvasOf = ({ width, height, data }: Image): Canvas => ({
  width,
  height,
  data: new Uint8ClampedArray(data),
  tampered: new Uint8Array(width * height),
});

/** Room around an object for its feather. */
const margin = 6;

/** The rectangle that holds an object and a little of what is around it, within the picture. */
export function frameOf(object: Mask): Box {
  const box = boundingBox(object) ?? { left: 0, top: 0, right: object.width, bottom: object.height };
  return {
    left: Math.max(0, box.left - margin),
    top: Math.max(0, box.top - margin),
    right: Math.min(object.width, box.right + margin),
    bottom: Math.min(object.height, box.bottom + margin),
  };
}

/** The size of a frame after scaling and turning. */
export function turnedSize(
  frame: Box,
  scale: number,
  degrees: number,
): { readonly width: number; readonly height: number } {
  const width = Math.max(1, Math.round((frame.right - frame.left) * scale));
  const height = Math.max(1, Math.round((frame.bottom - frame.top) * scale));
  if (degrees === 0) return { width, height };
  const [cos, sin] = [Math.abs(Math.cos(radians(degrees))), Math.abs(Math.sin(radians(degrees)))];
  return { width: Math.ceil(width * cos + height * sin), height: Math.ceil(width * sin + height * cos) };
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The part of an image and of a mask within a rectangle. */
export const cropBox = <R extends Image | Mask>(raster: R, { left, top, right, bottom }: Box): R =>
  crop(raster, left, top, right - left, bottom - top);

/** The part of numbers [H, width, channels] within a rectangle. */
export function cropPlanes(data: Float32Array, width: number, channels: number, box: Box): Float32Array {
  const rowLength = (box.right - box.left) * channels;
  const part = new Float32Array((box.bottom - box.top) * rowLength);
  for (let y = box.top; y < box.bottom; y++) {
    const from = (y * width + box.left) * channels;
    part.set(data.subarray(from, from + rowLength), (y - box.top) * rowLength);
  }
  return part;
}

/** An object with a little of what is around it, mirrored, scaled and turned. `image` and `object` are of its frame. */
export function cutOut(
  { image, object }: { readonly image: Image; readonly object: Mask },
  { scale, degrees, mirrored }: { readonly scale: number; readonly degrees: number; readonly mirrored: boolean },
): Patch {
  const source = mirrored ? { image: flipHorizontal(image), object: flipHorizontal(object) } : { image, object };
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const patch = {
    width,
    height,
    colours: resizePlanes(source.image.data, { ...image, channels: 3 }, width, height),
    alpha: resizePlanes(source.object.data, { ...object, channels: 1 }, width, height),
  };
  return degrees === 0 ? patch : turn(patch, degrees);
}

/** Turns a patch about its centre, by bilinear interpolation, into a frame that holds all of it. */
function turn(patch: Patch, degrees: number): Patch {
  const [cos, sin] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  const { width, height } = turnedSize({ left: 0, top: 0, right: patch.width, bottom: patch.height }, 1, degrees);
  const colours = new Float32Array(width * height * 3);
  const alpha = new Float32Array(width * height);
  const right = Math.min(1, patch.width - 1);
  const below = patch.height > 1 ? patch.width : 0;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to++) {
      const dx = x - (width - 1) / 2;
      const dy = y - (height - 1) / 2;
      const fromX = Math.min(Math.max(cos * dx + sin * dy + (patch.width - 1) / 2, 0), patch.width - 1.001);
      const fromY = Math.min(Math.max(cos * dy - sin * dx + (patch.height - 1) / 2, 0), patch.height - 1.001);
      const column = Math.max(0, Math.floor(fromX));
      const row = Math.max(0, Math.floor(fromY));
      const [u, v] = [fromX - column, fromY - row];
      const from = row * patch.width + column;
      alpha[to] = mixed(patch.alpha, from, right, below, u, v);
      for (let c = 0; c < 3; c++) colours[3 * to + c] = mixed(patch.colours, 3 * from + c, 3 * right, 3 * below, u, v);
    }
  return { width, height, colours, alpha };
}

/** What lies at (u, v), in [0, 1), between a number, those `right` and `below` behind it, and the one behind both. */
const mixed = (values: Float32Array, i: number, right: number, below: number, u: number, v: number): number =>
  (1 - v) * ((1 - u) * values[i]! + u * values[i + right]!) +
  v * ((1 - u) * values[i + below]! + u * values[i + below + right]!);

/**
 * Softens the edge of a patch towards its inside: outside of the object nothing shows, so that no rim of its old
 * surroundings comes along.
 *
 * @param sigma - px
 */
export function feathered(patch: Patch, sigma: number): Patch {
  if (sigma === 0) return patch;
  const { width, height } = patch;
  const reach = Math.ceil(2 * sigma);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((sum, weight) => sum + weight, 0) ** 2;
  const alpha = patch.alpha.slice();
  // Only near to what is not opaque does a blur change anything.
  const outside = new Uint8Array(alpha.length);
  for (let i = 0; i < outside.length; i++) outside[i] = alpha[i]! < 1 ? 1 : 0;
  const edge = widened(outside, width, height, reach);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (edge[i] === 0 || alpha[i] === 0) continue;
      let blurred = 0;
      for (let v = -reach; v <= reach; v++) {
        const row = Math.min(Math.max(y + v, 0), height - 1) * width;
        for (let u = -reach; u <= reach; u++)
          blurred +=
            kernel[v + reach]! * kernel[u + reach]! * patch.alpha[row + Math.min(Math.max(x + u, 0), width - 1)]!;
      }
      alpha[i] = Math.min(alpha[i]!, Math.max(0, (2 * blurred) / total - 1));
    }
  return { ...patch, alpha };
}

/** Lays a patch onto the canvas, with its top left corner at a place. */
export function lay(canvas: Canvas, patch: Patch, place: Place): void {
  for (const { onCanvas, onPatch, length } of sharedRows(canvas, patch, place))
    for (let i = onCanvas, j = onPatch; j < onPatch + length; i++, j++) {
      const alpha = patch.alpha[j]!;
      if (alpha === 0) continue;
      for (let c = 0; c < 3; c++)
        canvas.data[3 * i + c] = (1 - alpha) * canvas.data[3 * i + c]! + alpha * patch.colours[3 * j + c]!;
      if (alpha > 0.5) canvas.tampered[i] = 1;
    }
}

/** The canvas' colours where the patch will be; the patch's own where the canvas ends. */
export function underPatch(canvas: Canvas, patch: Patch, place: Place): Float32Array {
  const under = new Float32Array(patch.colours);
  for (const { onCanvas, onPatch, length } of sharedRows(canvas, patch, place))
    under.set(canvas.data.subarray(3 * onCanvas, 3 * (onCanvas + length)), 3 * onPatch);
  return under;
}

/** A row of pixels of a patch that lies on the canvas: where it begins on both, and how long it is. */
interface SharedRow {
  readonly onCanvas: number;
  readonly onPatch: number;
  readonly length: number;
}

function* sharedRows(canvas: Canvas, patch: Patch, { left, top }: Place): Generator<SharedRow> {
  const first = Math.max(0, -left);
  const length = Math.min(patch.width, canvas.width - left) - first;
  if (length <= 0) return;
  for (let y = Math.max(0, -top); y < Math.min(patch.height, canvas.height - top); y++)
    yield { onCanvas: (top + y) * canvas.width + left + first, onPatch: y * patch.width + first, length };
}
