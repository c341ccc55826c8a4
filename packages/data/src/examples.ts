import { UsageError, type Random } from '@forgelens/autograd';
import { emptyMask, type Image } from '@forgelens/imaging';

import { augment, type Example, type Fit } from './augment.ts';
import { pasteInto, saveAgain } from './paste.ts';
import type { Pictures } from './pictures.ts';
import type { Material, Sample } from './sample.ts';
import { drawRecipe, kindWeights } from './synthesis/draw-recipe.ts';
import { makeForgery } from './synthesis/make-forgery.ts';
import { Photographs } from './synthesis/photographs.ts';
import { forgeryKinds } from './synthesis/recipe.ts';

/** How often an example comes from where; the numbers are weights. */
export interface Mix {
  /** Samples with label 1. */
  readonly tampered: number;
  /** Samples with label 0. */
  readonly authentic: number;
  /** Forgeries made of material. */
  readonly synthetic: number;
  /** Photographs of the material: as they are, saved again, or with the compression history of a forgery. */
  readonly pristine: number;
  /** Parts of authentic samples, and of the material where there is any, laid into others, in the shapes of real forgeries. */
  readonly pasted: number;
}

/** What examples are drawn from. */
export interface ExampleSources {
  readonly samples: readonly Sample[];
  readonly material: readonly Material[];
  readonly mix: Mix;
  /** How often a sample comes from which set, whatever their sizes; the numbers are weights. All samples alike without. */
  readonly sets?: Readonly<Record<string, number>>;
}

/** Draws one example from the sources and makes a training example of size × size pixels of it. */
export type DrawExample = (random: Random, size: number, fit: Fit) => Promise<Example>;

const kinds = ['tampered', 'authentic', 'synthetic', 'pristine', 'pasted'] as const;

/** @throws {UsageError} when the mix asks for what the sources do not have, or for nothing. */
export function checkMix({ samples, material, mix }: ExampleSources): void {
  const has = (label: Sample['label']) => samples.some(sample => sample.label === label);
  const needs = {
    tampered: { there: has(1), what: 'tampered samples' },
    authentic: { there: has(0), what: 'authentic samples' },
    synthetic: { there: material.length > 0, what: 'photographs as material' },
    pristine: { there: material.length > 0, what: 'photographs as material' },
    pasted: { there: has(0) && has(1), what: 'samples of both kinds' },
  };
  const lacking = kinds.find(kind => mix[kind] > 0 && !needs[kind].there);
  if (lacking !== undefined)
    throw new UsageError(
      `the mix gives ${lacking} examples a weight of ${mix[lacking]} but there are no ${needs[lacking].what}; add some or set the weight to 0`,
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
  const { samples, material, mix, sets } = sources;
  const withLabel = (label: Sample['label']) => {
    const those = samples.filter(sample => sample.label === label);
    return { those, weights: sets && sampleWeights(those, sets) };
  };
  const [authentic, tampered] = [withLabel(0), withLabel(1)];
  const photographs = new Photographs(material, pictures);
  const drawUntouched = (random: Random): Promise<Image> =>
    pictures.image(
      material.length > 0 && random.chance(0.5)
        ? random.pick(material).image
        : random.pick(authentic.those, authentic.weights).image,
    );
  const drawPasted = async (random: Random) => {
    const host = await drawUntouched(random);
    for (;;) {
      const donor = random.chance(0.4) ? host : await drawUntouched(random);
      const forgery = random.pick(tampered.those, tampered.weights);
      const shape = await pictures.truth(forgery, await pictures.image(forgery.image));
      const pasted = await pasteInto(random, host, donor, shape);
      if (pasted !== null) return pasted;
    }
  };

  const drawWhole = async (random: Random, size: number): Promise<Example> => {
    const name = random.pick(
      kinds,
      kinds.map(kind => mix[kind]),
    );
    if (name === 'tampered' || name === 'authentic') {
      const { those, weights } = name === 'tampered' ? tampered : authentic;
      const sample = random.pick(those, weights);
      const image = await pictures.image(sample.image);
      const mask = await pictures.truth(sample, image);
      // A forgery was saved at least once more than what it is made of, and often by another program than the authentic
      // pictures of its collection, whose table would tell them: most authentic pictures are saved once more, too.
      return { image: name === 'authentic' ? await perhapsSavedAgain(random, image, 0.75) : image, mask };
    }
    if (name === 'pasted') return drawPasted(random);
    if (name === 'pristine' && random.chance(0.7)) {
      const image = await pictures.image(random.pick(material).image);
      const mask = emptyMask(image.width, image.height);
      return { image: await perhapsSavedAgain(random, image, 0.5), mask };
    }
    const kind = name === 'pristine' ? 'authentic' : random.pick(forgeryKinds, kindWeights);
    const recipe = await drawRecipe(random, photographs, { kind, size: Math.round(size * random.uniform(1, 1.35)) });
    return makeForgery(recipe, photographs);
  };
  return async (random, size, fit) => augment(random, await drawWhole(random, size), size, fit);
}

const perhapsSavedAgain = async (random: Random, image: Image, chance: number): Promise<Image> =>
  random.chance(chance) ? saveAgain(random, image) : image;

/** How often each sample is to be drawn, so that its set comes as often as its weight says, whatever the set's size. */
export function sampleWeights(samples: readonly Sample[], sets: Readonly<Record<string, number>>): number[] {
  const sizes = new Map<string, number>();
  for (const { set } of samples) sizes.set(set, (sizes.get(set) ?? 0) + 1);
  return samples.map(({ set }) => (sets[set] ?? 0) / sizes.get(set)!);
}
