import { Random } from '@forgelens/autograd';
import { crop, degrade, resizeImage, resizeMask, type Image, type Mask } from '@forgelens/imaging';

import { copyMove } from './copy-move.ts';
import { canvasOf } from './patch.ts';
import type { Photographs } from './photographs.ts';
import type { Edit, Recipe } from './recipe.ts';
import { remove } from './removal.ts';
import { splice } from './splice.ts';

/** A made forgery and its truth. */
export interface Forgery {
  readonly image: Image;
  /** 1 where the picture was edited. */
  readonly mask: Mask;
}

/** A forgery before anything happens to it afterwards, and the host as it was before it was edited. */
export interface Composition extends Forgery {
  readonly source: Image;
}

/** The edited host of a recipe: all that `makeForgery` does but the recipe's `after`. */
export async function composeForgery(recipe: Recipe, photographs: Photographs): Promise<Composition> {
  const { host, before, edits, seed } = recipe;
  const material = photographs.find(host.photograph);
  const random = new Random(seed);
  const part = crop(await photographs.image(material), host.left, host.top, host.side, host.side);
  const { image: source } = await degrade(resizeImage(part, host.canvas, host.canvas), null, before, `${seed}/before`);

  const hostObject = async ({ object }: Exclude<Edit, { kind: 'splice' }>) => {
    const whole = await photographs.object(material, object);
    return resizeMask(crop(whole, host.left, host.top, host.side, host.side), host.canvas, host.canvas);
  };
  const canvas = canvasOf(source);
  for (const [i, edit] of edits.entries()) {
    if (edit.kind === 'splice') await splice(canvas, edit, photographs, `${seed}/donor/${i}`);
    else if (edit.kind === 'copy-move') copyMove(canvas, edit, source, await hostObject(edit));
    else remove(canvas, edit, await hostObject(edit), random.fork(`fill/${i}`));
  }
  const { width, height } = canvas;
  return {
    image: { width, height, data: new Uint8Array(canvas.data.buffer) },
    mask: { width, height, data: canvas.tampered },
    source,
  };
}

/**
 * Makes the forgery that a recipe describes: a function of the recipe and of the photographs alone. With no edits in the
 * recipe it is the untouched picture with the same history.
 *
 * @throws {UsageError} when the material does not have a photograph or an object of the recipe
 * @throws {DataError} when a photograph cannot be read
 */
export async function makeForgery(recipe: Recipe, photographs: Photographs): Promise<Forgery> {
  const { image, mask } = await composeForgery(recipe, photographs);
  return degrade(image, mask, recipe.after, `${recipe.seed}/after`);
}
