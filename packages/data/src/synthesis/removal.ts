import type { Random } from '@forgelens/autograd';
import { blurPlanes, type Mask } from '@forgelens/imaging/pixels';

import { fillClone } from './fill-clone.ts';
import { fillDiffusion } from './fill-diffusion.ts';
import { fillPatches } from './fill-patches.ts';
import { cropPlanes, frameOf, lay, type Canvas } from './patch.ts';
import type { Removal } from './recipe.ts';
import { boundingBox, widened } from './regions.ts';

/** Covers an object of the host with what could be behind it. */
export function remove(canvas: Canvas, edit: Removal, object: Mask, random: Random): void {
  const box = boundingBox(object);
  if (box === null) return;
  // Nobody looks farther for something to cover with than about the object's own size.
  const room = Math.ceil(Math.max(48, 0.6 * Math.max(box.right - box.left, box.bottom - box.top)));
  const left = Math.max(0, box.left - room);
  const top = Math.max(0, box.top - room);
  const width = Math.min(canvas.width, box.right + room) - left;
  const height = Math.min(canvas.height, box.bottom + room) - top;

  const colours = new Float32Array(width * height * 3);
  const marks = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * canvas.width + left;
    colours.set(canvas.data.subarray(3 * from, 3 * (from + width)), 3 * y * width);
    marks.set(object.data.subarray(from, from + width), y * width);
  }
  const hole = widened(marks, width, height, edit.grow);
  const fill = { patches: fillPatches, clone: fillClone, diffusion: fillDiffusion }[edit.fill];
  fill(colours, hole, width, height, random);
  // Only what is near to the hole has changed.
  const changed = frameOf({ width, height, data: hole });
  const size = { width: changed.right - changed.left, height: changed.bottom - changed.top };
  const marked = cropPlanes(Float32Array.from(hole), width, 1, changed);
  const reach = Math.ceil(2 * edit.feather);
  const patch = {
    ...size,
    colours: cropPlanes(colours, width, 3, changed),
    alpha: blurPlanes(marked, size.width, size.height, 1, edit.feather, reach),
  };
  lay(canvas, patch, { left: left + changed.left, top: top + changed.top });
}
