import type { Image, Mask } from '@forgelens/imaging/pixels';

import { blend } from './blend.ts';
import { cropBox, cutOut, feathered, frameOf, lay, underPatch, type Canvas } from './patch.ts';
import type { CopyMove } from './recipe.ts';

/** Pastes an object of the host elsewhere onto it. The copy is tampered with, the original is not. */
export function copyMove(canvas: Canvas, edit: CopyMove, host: Image, object: Mask): void {
  const frame = frameOf(object);
  const patch = feathered(cutOut({ image: cropBox(host, frame), object: cropBox(object, frame) }, edit), edit.feather);
  lay(canvas, blend(patch, underPatch(canvas, patch, edit), edit.blending, edit.amount), edit);
}
