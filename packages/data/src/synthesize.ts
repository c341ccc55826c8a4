import type { Random } from '@forgelens/autograd';
import {
  blurPlanes,
  crop,
  flipHorizontal,
  jpegRecompress,
  padReflect,
  resizeImage,
  resizeMap,
  tamperedFraction,
  type Image,
  type Mask,
} from '@forgelens/imaging';

import { blobMask, boundingBox } from './regions.ts';
import { smoothFill } from './smooth-fill.ts';

/** A photograph, and an object in it if one is known. */
export interface Photo {
  readonly image: Image;
  readonly object: Mask | null;
}

/** The manipulations that are synthesized. */
export const forgeryKinds = ['splice', 'copy-move', 'removal'] as const;
export type ForgeryKind = (typeof forgeryKinds)[number];

/** What was done, for the record. */
export interface Recipe {
  readonly kind: ForgeryKind | 'authentic';
  /** JPEG quality of the host photograph before the forgery, and of the result; null for none. */
  readonly hostQuality: number | null;
  readonly finalQuality: number | null;
  /** What was chosen on the way: quality of the donor, scale, angle, feather, method, … */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** A made forgery and its truth. */
export interface Forgery {
  readonly image: Image;
  readonly mask: Mask;
  readonly recipe: Recipe;
}

/** What an edit leaves: the picture, how much of each pixel it changed ([H · W], in [0, 1]), and its story. */
interface Edit {
  readonly image: Image;
  readonly alpha: Float32Array;
  readonly details: Recipe['details'];
}

/**
 * Makes a forgery of the host photograph, of the host's own size:
 * - `splice`: an object of the donor is pasted into the host;
 * - `copy-move`: an object of the host is pasted elsewhere in the host; the mask marks the copy, not the original;
 * - `removal`: an object of the host is covered with its surroundings;
 * - `authentic`: nothing; the mask is empty. Its compression history is that of the forgeries, so that history alone
 *   does not give a forgery away.
 *
 * Where a photograph has no object, a random shape is one. The same random state gives the same forgery.
 */
export async function synthesize(
  random: Random,
  host: Photo,
  donor: Photo,
  kind: ForgeryKind | 'authentic',
): Promise<Forgery> {
  const { image, quality: hostQuality } = await compressSomehow(random, host.image, 0.85);
  const compressedHost = { image, object: host.object };
  const edit = await edits[kind](random, compressedHost, donor);
  const final = random.chance(0.75) ? randomQuality(random) : null;
  return {
    image: final === null ? edit.image : await jpegRecompress(edit.image, final, randomSubsampling(random)),
    mask: { width: image.width, height: image.height, data: above(edit.alpha, 0.5) },
    recipe: { kind, hostQuality, finalQuality: final, details: edit.details },
  };
}

/** 1 where a value is above the threshold, else 0. */
function above(values: Float32Array, threshold: number): Uint8Array {
  const marks = new Uint8Array(values.length);
  for (let i = 0; i < marks.length; i++) marks[i] = values[i]! > threshold ? 1 : 0;
  return marks;
}

const edits: Record<ForgeryKind | 'authentic', (random: Random, host: Photo, donor: Photo) => Promise<Edit>> = {
  splice: async (random, host, donor) => {
    const object = donor.object ?? blobMask(random, donor.image.width, donor.image.height);
    const part = around(donor.image, object);
    const { image, quality } = await compressSomehow(random, part.image, 0.85);
    const edit = paste(random, host.image, { image, object: part.object }, null);
    return { ...edit, details: { donorQuality: quality, ...edit.details } };
  },
  'copy-move': async (random, host) => {
    const object = host.object ?? blobMask(random, host.image.width, host.image.height);
    return paste(random, host.image, { image: host.image, object }, object);
  },
  removal: async (random, host) =>
    remove(random, host.image, host.object ?? blobMask(random, host.image.width, host.image.height)),
  authentic: async (_random, { image }) => ({
    image,
    alpha: new Float32Array(image.width * image.height),
    details: {},
  }),
};

/** Qualities as one meets them: mostly high. */
const randomQuality = (random: Random): number => Math.round(100 - 45 * random.uniform() ** 1.5);

const randomSubsampling = (random: Random): '4:2:0' | '4:4:4' => (random.chance(0.7) ? '4:2:0' : '4:4:4');

/** With a probability, the picture as cut from a JPEG: its 8×8 grid begins anywhere, in half of the cases not at 0. */
async function compressSomehow(
  random: Random,
  image: Image,
  probability: number,
): Promise<{ image: Image; quality: number | null }> {
  if (!random.chance(probability)) return { image, quality: null };
  const quality = randomQuality(random);
  const [left, top] = random.chance(0.5) ? [random.integer(0, 8), random.integer(0, 8)] : [0, 0];
  const compressed = await jpegRecompress(padReflect(image, { left, top }), quality, randomSubsampling(random));
  return { image: crop(compressed, left, top, image.width, image.height), quality };
}

/** Something to paste: [H, W, 3] in levels of 0–255, and its opacity [H · W] in [0, 1]. */
interface Patch {
  readonly width: number;
  readonly height: number;
  readonly colours: Float32Array;
  readonly alpha: Float32Array;
}

/**
 * Pastes an object somewhere: scaled, turned and mirrored in part of the cases, its seam feathered, its colours
 * brought near to the place's in part of the cases.
 *
 * @param original - the object where it must not be pasted onto itself, for copy-move
 */
function paste(random: Random, host: Image, donor: { image: Image; object: Mask }, original: Mask | null): Edit {
  const mirrored = random.chance(0.3);
  const angle = random.chance(0.35) ? random.normal(0, 20) : 0;
  const scale = chooseScale(random, host, donor.object, original !== null);
  const feather = random.pick([0, random.uniform(0.4, 1), random.uniform(1, 2)]);
  const patch = feathered(rotate(cutOut(donor.image, donor.object, scale, mirrored), (angle * Math.PI) / 180), feather);
  const { left, top } = choosePlace(random, host, patch, original);

  const blending = random.pick(['none', 'statistics', 'membrane'], original ? [0.8, 0.1, 0.1] : [0.45, 0.4, 0.15]);
  const place = underPatch(host, patch, left, top);
  if (blending === 'statistics') matchStatistics(random, patch, place);
  if (blending === 'membrane') matchSeam(patch, place);

  const data = new Uint8ClampedArray(host.data);
  const alpha = new Float32Array(host.width * host.height);
  forEachShared(host, patch, left, top, (i, j) => {
    alpha[i] = patch.alpha[j]!;
    for (let c = 0; c < 3; c++)
      data[3 * i + c] = (1 - alpha[i]) * host.data[3 * i + c]! + alpha[i] * patch.colours[3 * j + c]!;
  });
  const image = { width: host.width, height: host.height, data: new Uint8Array(data.buffer) };
  return { image, alpha, details: { scale, angle, mirrored, feather, blending, left, top } };
}

/** Half of the objects that fit keep their size; others get a random share of 1–30 % of the host's area. */
function chooseScale(random: Random, host: Image, object: Mask, sameImage: boolean): number {
  const area = tamperedFraction(object) * object.width * object.height;
  const box = boundingBox(object) ?? { left: 0, top: 0, right: object.width, bottom: object.height };
  const hostArea = host.width * host.height;
  const largest = Math.min((0.95 * host.width) / (box.right - box.left), (0.95 * host.height) / (box.bottom - box.top));
  const fits = largest >= 1 && area / hostArea > 0.008 && area / hostArea < 0.35;
  if (sameImage) return random.chance(0.6) ? 1 : Math.min(largest, random.uniform(0.7, 1.4));
  if (fits && random.chance(0.5)) return 1;
  const share = Math.exp(random.uniform(Math.log(0.01), Math.log(0.3)));
  return Math.min(largest, 1.6, Math.max(0.2, Math.sqrt((share * hostArea) / Math.max(1, area))));
}

/** Room around an object for its feather and its rotation. */
const margin = 6;

/** The part of a picture that holds the object and a little of what is around it. */
function around(image: Image, object: Mask): { image: Image; object: Mask } {
  const box = boundingBox(object) ?? { left: 0, top: 0, right: object.width, bottom: object.height };
  const left = Math.max(0, box.left - margin);
  const top = Math.max(0, box.top - margin);
  const width = Math.min(image.width, box.right + margin) - left;
  const height = Math.min(image.height, box.bottom + margin) - top;
  return { image: crop(image, left, top, width, height), object: crop(object, left, top, width, height) };
}

/** The object with a little of what is around it, scaled and mirrored. */
function cutOut(whole: Image, marked: Mask, scale: number, mirrored: boolean): Patch {
  const part = around(whole, marked);
  const image = mirrored ? flipHorizontal(part.image) : part.image;
  const object = mirrored ? flipHorizontal(part.object) : part.object;
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  return {
    width,
    height,
    colours: new Float32Array(resizeImage(image, width, height).data),
    alpha: resizeMap(new Float32Array(object.data), object, width, height),
  };
}

/** Turns a patch about its centre, by bilinear interpolation, into a frame that holds all of it. */
function rotate(patch: Patch, radians: number): Patch {
  if (radians === 0) return patch;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const width = Math.ceil(Math.abs(patch.width * cos) + Math.abs(patch.height * sin));
  const height = Math.ceil(Math.abs(patch.width * sin) + Math.abs(patch.height * cos));
  const colours = new Float32Array(width * height * 3);
  const alpha = new Float32Array(width * height);
  for (let y = 0, o = 0; y < height; y++)
    for (let x = 0; x < width; x++, o++) {
      const [dx, dy] = [x - (width - 1) / 2, y - (height - 1) / 2];
      const fromX = cos * dx + sin * dy + (patch.width - 1) / 2;
      const fromY = cos * dy - sin * dx + (patch.height - 1) / 2;
      const [column, row] = [Math.floor(fromX), Math.floor(fromY)];
      if (column < 0 || row < 0 || column + 1 >= patch.width || row + 1 >= patch.height) continue;
      const [u, v] = [fromX - column, fromY - row];
      const [i, below] = [row * patch.width + column, (row + 1) * patch.width + column];
      const corners = [i, i + 1, below, below + 1];
      const weights = [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v];
      for (let k = 0; k < 4; k++) {
        alpha[o]! += weights[k]! * patch.alpha[corners[k]!]!;
        for (let c = 0; c < 3; c++) colours[3 * o + c]! += weights[k]! * patch.colours[3 * corners[k]! + c]!;
      }
    }
  return { width, height, colours, alpha };
}

const feathered = (patch: Patch, sigma: number): Patch =>
  sigma === 0 ? patch : { ...patch, alpha: blurPlanes(patch.alpha, patch.width, patch.height, 1, sigma) };

/**
 * A place for the patch within the host. A copy covers little of its original: of a few places the one with the
 * smallest overlap is taken.
 */
function choosePlace(random: Random, host: Image, patch: Patch, original: Mask | null): { left: number; top: number } {
  const within = (room: number) => (room >= 0 ? random.integer(0, room + 1) : Math.round(room * random.uniform()));
  const places = Array.from({ length: original ? 12 : 1 }, () => ({
    left: within(host.width - patch.width),
    top: within(host.height - patch.height),
  }));
  if (original === null) return places[0]!;
  const overlaps = places.map(({ left, top }) => {
    let overlap = 0;
    forEachShared(host, patch, left, top, (i, j) => (overlap += original.data[i]! * patch.alpha[j]!));
    return overlap;
  });
  return places[overlaps.indexOf(Math.min(...overlaps))]!;
}

/** Calls with the index of each host pixel that a patch at (left, top) covers, and the index of the patch's pixel. */
function forEachShared(
  host: { width: number; height: number },
  patch: { width: number; height: number },
  left: number,
  top: number,
  visit: (hostIndex: number, patchIndex: number) => void,
): void {
  const lastY = Math.min(patch.height, host.height - top);
  const lastX = Math.min(patch.width, host.width - left);
  for (let y = Math.max(0, -top); y < lastY; y++)
    for (let x = Math.max(0, -left); x < lastX; x++) visit((top + y) * host.width + left + x, y * patch.width + x);
}

/** The host's colours where the patch will be; the patch's own where the host ends. */
function underPatch(host: Image, patch: Patch, left: number, top: number): Float32Array {
  const place = new Float32Array(patch.colours);
  forEachShared(host, patch, left, top, (i, j) => {
    for (let c = 0; c < 3; c++) place[3 * j + c] = host.data[3 * i + c]!;
  });
  return place;
}

/** Brings mean and spread of the patch's colours a random part of the way to those of the place. */
function matchStatistics(random: Random, patch: Patch, place: Float32Array): void {
  const amount = random.uniform(0.2, 0.8);
  for (let c = 0; c < 3; c++) {
    const own = moments(patch.colours, patch.alpha, c);
    const wanted = moments(place, patch.alpha, c);
    const gain = 1 + amount * (Math.min(1.5, Math.max(0.7, wanted.spread / Math.max(1, own.spread))) - 1);
    const shift = own.mean + amount * (wanted.mean - own.mean);
    for (let i = c; i < patch.colours.length; i += 3) patch.colours[i] = (patch.colours[i]! - own.mean) * gain + shift;
  }
}

function moments(colours: Float32Array, weights: Float32Array, channel: number): { mean: number; spread: number } {
  let [total, sum, squares] = [1e-6, 0, 0];
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    const value = colours[3 * i + channel]!;
    total += weight;
    sum += weight * value;
    squares += weight * value * value;
  }
  const mean = sum / total;
  return { mean, spread: Math.sqrt(Math.max(0, squares / total - mean * mean)) };
}

/**
 * Adds a smooth membrane to the patch, which along the object's outer edge is the difference between place and patch:
 * the seam vanishes and texture stays, as in Poisson image editing (Pérez, Gangnet and Blake 2003).
 */
function matchSeam({ width, height, colours, alpha }: Patch, place: Float32Array): void {
  const difference = new Float32Array(place);
  for (let i = 0; i < difference.length; i++) difference[i]! -= colours[i]!;
  const near = blurPlanes(alpha, width, height, 1, 1.5);
  const edge = alpha.map((a, i) => (a < 0.5 && near[i]! > 0.02 ? 1 : 0));
  smoothFill(difference, edge, width, height, 3);
  for (let i = 0; i < difference.length; i++) colours[i]! += difference[i]!;
}

/** Covers an object with other parts of the picture, or where none fits, with its smoothly continued surroundings. */
function remove(random: Random, host: Image, object: Mask): Edit {
  const { width, height } = host;
  const spread = blurPlanes(new Float32Array(object.data), width, height, 1, 2);
  // A little more than the object: nobody retouches to the pixel.
  const region = spread.map(value => (value > 0.1 ? 1 : 0));
  const offset = random.chance(0.85) ? chooseSource(random, host, region) : null;
  const fill = new Float32Array(host.data);
  if (offset === null) continueSurroundings(random, host, region, fill);
  else {
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++) {
        const from = clampedIndex(x + offset.dx, y + offset.dy, width, height);
        for (let c = 0; c < 3; c++) fill[3 * i + c] = host.data[3 * from + c]!;
      }
    matchSeam({ width, height, colours: fill, alpha: region }, new Float32Array(host.data));
  }
  const feather = random.uniform(0.3, 1.5);
  const alpha = blurPlanes(region, width, height, 1, feather);
  const data = new Uint8ClampedArray(host.data.length);
  for (let i = 0; i < alpha.length; i++)
    for (let k = 3 * i; k < 3 * i + 3; k++) data[k] = (1 - alpha[i]!) * host.data[k]! + alpha[i]! * fill[k]!;
  const image = { width, height, data: new Uint8Array(data.buffer) };
  return { image, alpha, details: { method: offset ? 'clone' : 'diffusion', feather, ...offset } };
}

const clampedIndex = (x: number, y: number, width: number, height: number): number =>
  Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1);

/**
 * The offset of a part of the picture that can cover the region: clear of the region itself, inside the picture, and of
 * the tried ones the one that differs least along the region's edge; null when none is clear.
 */
function chooseSource(random: Random, host: Image, region: Float32Array): { dx: number; dy: number } | null {
  const { width, height } = host;
  const inside: number[] = [];
  const edge: number[] = [];
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      if (region[i] === 1) inside.push(i);
      else if (region[i - 1]! + region[i + 1]! + region[i - width]! + region[i + width]! > 0) edge.push(i);
    }
  if (inside.length === 0) return null;
  const tries = Array.from({ length: 60 }, () => ({
    dx: Math.round(random.uniform(-0.6, 0.6) * width),
    dy: Math.round(random.uniform(-0.4, 0.4) * height),
  }));
  let best: { dx: number; dy: number } | null = null;
  let least = Infinity;
  for (const { dx, dy } of tries) {
    const lands = (i: number) => {
      const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
      return x >= 0 && y >= 0 && x < width && y < height && region[y * width + x] === 0;
    };
    // Every 7th pixel tells well enough whether the source is clear.
    if (!inside.every((i, k) => k % 7 !== 0 || lands(i))) continue;
    let difference = 0;
    for (const i of edge) {
      const from = clampedIndex((i % width) + dx, Math.floor(i / width) + dy, width, height);
      for (let c = 0; c < 3; c++) difference += Math.abs(host.data[3 * i + c]! - host.data[3 * from + c]!);
    }
    if (difference < least) [best, least] = [{ dx, dy }, difference];
  }
  return best;
}

/** Continues the surroundings smoothly into the region, with grain as strong as around it. */
function continueSurroundings(random: Random, host: Image, region: Float32Array, fill: Float32Array): void {
  const { width, height } = host;
  smoothFill(
    fill,
    region.map(value => 1 - value),
    width,
    height,
    3,
  );
  const [dx, dy] = [random.integer(0, width), random.integer(0, height)];
  const smooth = blurPlanes(new Float32Array(host.data), width, height, 3, 1);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (region[i] === 0) continue;
      const from = ((y + dy) % height) * width + ((x + dx) % width);
      for (let c = 0; c < 3; c++) {
        const grain = host.data[3 * from + c]! - smooth[3 * from + c]!;
        fill[3 * i + c]! += Math.min(6, Math.max(-6, grain));
      }
    }
}
