import type { Patch } from './patch.ts';
import { widened } from './regions.ts';
import { smoothFill } from './smooth-fill.ts';

/** How a patch is brought near to the place that it is laid onto. */
export type Blending = 'none' | 'statistics' | 'seam';

/**
 * The patch, blended with its place.
 *
 * @param place - [H, W, 3], the colours that the patch will cover
 * @param amount - how far, in [0, 1]
 */
export function blend(patch: Patch, place: Float32Array, blending: Blending, amount: number): Patch {
  if (blending === 'statistics') return { ...patch, colours: matchStatistics(patch, place, amount) };
  if (blending === 'seam') return { ...patch, colours: matchSeam(patch, place, amount) };
  return patch;
}

/** Brings mean and spread of each channel of the object a part of the way to those of the place. */
function matchStatistics({ colours, alpha }: Patch, place: Float32Array, amount: number): Float32Array {
  const matched = new Float32Array(colours.length);
  for (let c = 0; c < 3; c++) {
    const own = moments(colours, alpha, c);
    const wanted = moments(place, alpha, c);
    const gain = 1 + amount * (Math.min(1.3, Math.max(0.75, wanted.spread / Math.max(1, own.spread))) - 1);
    const mean = own.mean + amount * Math.min(40, Math.max(-40, wanted.mean - own.mean));
    for (let i = c; i < colours.length; i += 3) matched[i] = (colours[i]! - own.mean) * gain + mean;
  }
  return matched;
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
 * the seam vanishes and texture stays, as in Poisson image editing.
 *
 * Pérez, Gangnet and Blake 2003, https://doi.org/10.1145/882262.882269. Unlike the paper: the membrane is interpolated
 * by pull-push and not by solving the Laplace equation.
 */
function matchSeam({ width, height, colours, alpha }: Patch, place: Float32Array, amount: number): Float32Array {
  const membrane = new Float32Array(place);
  for (let i = 0; i < membrane.length; i++) membrane[i]! -= colours[i]!;
  const object = new Uint8Array(alpha.length);
  for (let i = 0; i < object.length; i++) object[i] = alpha[i]! >= 0.5 ? 1 : 0;
  const near = widened(object, width, height, 3);
  const edge = new Float32Array(alpha.length);
  for (let i = 0; i < edge.length; i++) edge[i] = near[i]! - object[i]!;
  smoothFill(membrane, edge, width, height, 3);
  return colours.map((colour, i) => colour + amount * membrane[i]!);
}
