import { UsageError, type Random } from '@forgelens/autograd';
import { crop, resizeImage, resizeMask, tamperedFraction, type Mask } from '@forgelens/imaging';

import { augment, type Example } from './augment.ts';
import type { Pictures } from './pictures.ts';
import { boundingBox, mergeSegments, pickPolygon } from './regions.ts';
import type { Material, Sample } from './sample.ts';
import { forgeryKinds, synthesize, type Forgery, type Photo } from './synthesize.ts';

/** How often an example comes from where; the numbers are weights. */
export interface Mix {
  /** Samples with label 1. */
  readonly tampered: number;
  /** Samples with label 0. */
  readonly authentic: number;
  /** Forgeries made of material. */
  readonly synthetic: number;
  /** Photographs of the material, with the compression history of a forgery. */
  readonly pristine: number;
}

/** What examples are drawn from. */
export interface ExampleSources {
  readonly samples: readonly Sample[];
  readonly material: readonly Material[];
  readonly mix: Mix;
}

/** Draws one example from the sources and cuts a training crop of size × size from it. */
export type DrawExample = (random: Random, size: number) => Promise<Example>;

const kinds = ['tampered', 'authentic', 'synthetic', 'pristine'] as const;

/** @throws {UsageError} when the mix asks for what the sources do not have, or for nothing. */
export function checkMix({ samples, material, mix }: ExampleSources): void {
  const available = {
    tampered: samples.some(sample => sample.label === 1),
    authentic: samples.some(sample => sample.label === 0),
    synthetic: material.length > 0,
    pristine: material.length > 0,
  };
  const lacking = kinds.find(kind => mix[kind] > 0 && !available[kind]);
  if (lacking !== undefined)
    throw new UsageError(
      `the mix gives ${lacking} examples a weight of ${mix[lacking]} but there are no ${lacking === 'tampered' || lacking === 'authentic' ? `${lacking} samples` : 'photographs as material'}; add some or set the weight to 0`,
    );
  if (!kinds.some(kind => mix[kind] > 0))
    throw new UsageError(`the mix has no weight above 0; give at least one of ${kinds.join(', ')}`);
}

/**
 * Prepares drawing from sources.
 *
 * @throws {UsageError} as `checkMix`.
 */
export function exampleDrawer(sources: ExampleSources, pictures: Pictures): DrawExample {
  checkMix(sources);
  const { samples, material, mix } = sources;
  const tampered = samples.filter(sample => sample.label === 1);
  const authentic = samples.filter(sample => sample.label === 0);

  return async (random, size) => {
    const name = random.pick(
      kinds,
      kinds.map(kind => mix[kind]),
    );
    if (name === 'tampered' || name === 'authentic') {
      const sample = random.pick(name === 'tampered' ? tampered : authentic);
      const image = await pictures.image(sample.image);
      const mask = await pictures.truth(sample, image);
      return augment(random, { image, mask }, size);
    }
    const kind = name === 'pristine' ? 'authentic' : random.pick(forgeryKinds, [0.5, 0.35, 0.15]);
    return augment(
      random,
      await forge(random, material, pictures, kind, Math.round(size * random.uniform(1, 1.35))),
      size,
    );
  };
}

/** Makes one forgery of size × size pixels (less where photographs are smaller) from random photographs. */
export async function forge(
  random: Random,
  material: readonly Material[],
  pictures: Pictures,
  kind: (typeof forgeryKinds)[number] | 'authentic',
  size: number,
): Promise<Forgery> {
  const large = material.filter(({ width, height }) => Math.min(width, height) >= size);
  const place = random.pick(large.length > 0 ? large : material);
  const object = kind === 'copy-move' || kind === 'removal' ? await readObject(random, place, pictures) : null;
  const host = windowOf(random, { image: await pictures.image(place.image), object }, size);
  if (kind !== 'splice') return synthesize(random, host, host, kind);
  const source = random.pick(material);
  const donor = { image: await pictures.image(source.image), object: await readObject(random, source, pictures) };
  return synthesize(random, host, donor, kind);
}

/** An object in a photograph of the material, if it has a fitting one. */
async function readObject(
  random: Random,
  { width, height, objects }: Material,
  pictures: Pictures,
): Promise<Mask | null> {
  switch (objects.kind) {
    case 'mask':
      return pictures.mask(objects.path);
    case 'polygons':
      return pickPolygon(random, await pictures.text(objects.path), width, height);
    case 'segments':
      return mergeSegments(random, await pictures.image(objects.path));
  }
}

/**
 * A square part of a photo with its object, which is dropped where the part cuts it. In half of the cases the part is
 * taken up to twice as large and scaled down, which wipes out the photograph's own compression.
 */
function windowOf(random: Random, { image, object }: Photo, size: number): Photo {
  const shorter = Math.min(image.width, image.height);
  const side = Math.min(shorter, random.chance(0.5) ? Math.round(size * random.uniform(1.15, 2)) : size);
  const box = object && boundingBox(object);
  const place = (low: number, high: number, room: number) => {
    // Anywhere that keeps [low, high) inside, if that is possible.
    const [first, last] = [Math.max(0, high - side), Math.min(room, low)];
    return first <= last ? random.integer(first, last + 1) : random.integer(0, room + 1);
  };
  const left = place(box?.left ?? image.width, box?.right ?? 0, image.width - side);
  const top = place(box?.top ?? image.height, box?.bottom ?? 0, image.height - side);
  const to = Math.min(size, side);
  const part =
    object && box && box.left >= left && box.right <= left + side && box.top >= top && box.bottom <= top + side
      ? crop(object, left, top, side, side)
      : null;
  return {
    image: resizeImage(crop(image, left, top, side, side), to, to),
    object: part && usable(resizeMask(part, to, to)),
  };
}

/** Objects of less than 0.5 % or more than 35 % of a picture are no use. */
function usable(object: Mask): Mask | null {
  const fraction = tamperedFraction(object);
  return fraction >= 0.005 && fraction <= 0.35 ? object : null;
}
