import type { Random } from '@forgelens/autograd';
import { blurPlanes } from '@forgelens/imaging/pixels';

import { smoothFill } from './smooth-fill.ts';

/**
 * Continues the surroundings smoothly into a hole, with grain as strong as around it.
 *
 * @param colours - [H, W, 3]; the hole is overwritten
 * @param hole - [H · W], 1 unknown
 */
export function fillDiffusion(
  colours: Float32Array,
  hole: Uint8Array,
  width: number,
  height: number,
  random: Random,
): void {
  const smooth = blurPlanes(colours, width, height, 3, 1);
  const grain = colours.map((colour, i) => Math.min(6, Math.max(-6, colour - smooth[i]!)));
  smoothFill(
    colours,
    Float32Array.from(hole, value => 1 - value),
    width,
    height,
    3,
  );
  const [dx, dy] = [random.integer(0, width), random.integer(0, height)];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (hole[i] === 0) continue;
      const from = ((y + dy) % height) * width + ((x + dx) % width);
      for (let c = 0; c < 3; c++) colours[3 * i + c]! += grain[3 * from + c]!;
    }
}
