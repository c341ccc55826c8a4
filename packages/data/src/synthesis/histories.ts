import type { Random } from '@forgelens/autograd';
import type { Degradation } from '@forgelens/imaging/pixels';

/** What happens to a forgery after it is made, and how large it must be made so that it ends with the wanted size. */
export interface History {
  readonly canvas: number;
  readonly after: readonly Degradation[];
}

/** What has happened to a photograph before it is edited: in most cases one JPEG compression. */
export const drawBefore = (random: Random): Degradation[] => (random.chance(0.85) ? [drawJpeg(random, true)] : []);

/**
 * What happens to a finished picture of size × size pixels: nothing; one JPEG compression; two, the grid of the first in
 * half of the cases not that of the second; resizing and JPEG; WebP; or what social networks do, once or twice.
 */
export function drawHistory(random: Random, size: number): History {
  const name = random.pick(
    ['none', 'single', 'double', 'resized', 'webp', 'network'] as const,
    [0.12, 0.4, 0.16, 0.14, 0.04, 0.14],
  );
  switch (name) {
    case 'none':
      return { canvas: size, after: [] };
    case 'single':
      return { canvas: size, after: [drawJpeg(random, false)] };
    case 'double':
      return { canvas: size, after: [drawJpeg(random, true), drawJpeg(random, false)] };
    case 'webp':
      return { canvas: size, after: [{ name: 'webp_quality', value: random.integer(70, 101) }] };
    case 'resized': {
      const before = random.chance(0.3) ? [drawJpeg(random, true)] : [];
      const { canvas, resize } = drawResize(random, size, random.chance(0.75) ? [0.7, 0.95] : [1.05, 1.25]);
      return { canvas, after: [...before, resize, drawJpeg(random, false)] };
    }
    case 'network': {
      // An upload: scaled down if it is large, then JPEG at the network's quality; the next one does it again.
      const upload = (): Degradation => ({ name: 'jpeg_quality', value: random.integer(68, 93), subsampling: '4:2:0' });
      const again = random.chance(0.35) ? [upload()] : [];
      if (random.chance(0.6)) return { canvas: size, after: [upload(), ...again] };
      const { canvas, resize } = drawResize(random, size, [0.65, 0.9]);
      return { canvas, after: [resize, upload(), ...again] };
    }
  }
}

function drawResize(random: Random, size: number, [low, high]: readonly [number, number]) {
  const canvas = Math.round(size / random.uniform(low, high));
  // Exactly this quotient, so that rounding ends at the size.
  return { canvas, resize: { name: 'resize_scale', value: size / canvas } as Degradation };
}

/** A JPEG of a quality as one meets them, mostly high; of a part of a larger picture, its grid begins anywhere. */
function drawJpeg(random: Random, isPart: boolean): Degradation {
  const value = Math.round(100 - 45 * random.uniform() ** 1.5);
  const subsampling = random.chance(0.7) ? '4:2:0' : '4:4:4';
  return isPart && random.chance(0.5)
    ? { name: 'jpeg_quality', value, subsampling, grid: [random.integer(0, 8), random.integer(0, 8)] }
    : { name: 'jpeg_quality', value, subsampling };
}
