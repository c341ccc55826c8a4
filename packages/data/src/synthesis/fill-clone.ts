import type { Random } from '@forgelens/autograd';

import { blend } from './blend.ts';
import { fillPatches } from './fill-patches.ts';

/**
 * Covers a hole with one other part of the picture, as with a clone stamp: of a number of random offsets the one that
 * differs least along the hole's edge; a membrane hides the seam. Where none is clear of the hole, as `fillPatches`.
 *
 * @param colours - [H, W, 3]; the hole is overwritten
 * @param hole - [H · W], 1 unknown
 */
export function fillClone(
  colours: Float32Array,
  hole: Uint8Array,
  width: number,
  height: number,
  random: Random,
): void {
  const offset = chooseOffset(colours, hole, width, height, random);
  if (offset === null) return fillPatches(colours, hole, width, height, random);
  const cloned = new Float32Array(colours);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const from = 3 * clampedIndex(x + offset.dx, y + offset.dy, width, height);
      for (let c = 0; c < 3; c++) cloned[3 * i + c] = colours[from + c]!;
    }
  const patch = { width, height, colours: cloned, alpha: Float32Array.from(hole) };
  const blended = blend(patch, colours, 'seam', 1).colours;
  for (let i = 0; i < hole.length; i++) if (hole[i] === 1) colours.set(blended.subarray(3 * i, 3 * i + 3), 3 * i);
}

const clampedIndex = (x: number, y: number, width: number, height: number): number =>
  Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1);

function chooseOffset(
  colours: Float32Array,
  hole: Uint8Array,
  width: number,
  height: number,
  random: Random,
): { readonly dx: number; readonly dy: number } | null {
  const inside: number[] = [];
  const edge: number[] = [];
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      if (hole[i] === 1) inside.push(i);
      else if (hole[i - 1]! + hole[i + 1]! + hole[i - width]! + hole[i + width]! > 0) edge.push(i);
    }
  let best: { readonly dx: number; readonly dy: number } | null = null;
  let least = Infinity;
  for (let n = 0; n < 80; n++) {
    const [dx, dy] = [Math.round(random.uniform(-0.7, 0.7) * width), Math.round(random.uniform(-0.4, 0.4) * height)];
    const lands = (i: number) => {
      const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
      return x >= 0 && y >= 0 && x < width && y < height && hole[y * width + x] === 0;
    };
    // Every 7th pixel tells well enough whether the source is clear.
    if (!inside.every((i, k) => k % 7 !== 0 || lands(i))) continue;
    let difference = 0;
    for (const i of edge) {
      const from = clampedIndex((i % width) + dx, Math.floor(i / width) + dy, width, height);
      for (let c = 0; c < 3; c++) difference += Math.abs(colours[3 * i + c]! - colours[3 * from + c]!);
    }
    if (difference < least) [best, least] = [{ dx, dy }, difference];
  }
  return best;
}
