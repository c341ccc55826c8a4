import { degrade } from '@forgelens/imaging';

import { blend } from './blend.ts';
import { cropBox, cutOut, feathered, frameOf, lay, underPatch, type Canvas } from './patch.ts';
import type { Photographs } from './photographs.ts';
import type { Splice } from './recipe.ts';

/** Pastes an object of another photograph onto the canvas. */
export async function splice(canvas: Canvas, edit: Splice, photographs: Photographs, seed: string): Promise<void> {
  const donor = photographs.find(edit.donor);
  const object = await photographs.object(donor, edit.object);
  const frame = frameOf(object);
  const part = cropBox(await photographs.image(donor), frame);
  const { image } = await degrade(part, null, edit.donorBefore, seed);
  const patch = feathered(cutOut({ image, object: cropBox(object, frame) }, edit), edit.feather);
  lay(canvas, blend(patch, underPatch(canvas, patch, edit), edit.blending, edit.amount), edit);
}
