import type { Random } from '@forgelens/autograd';
import type { Features } from './circular-harmonics.ts';

/** For each pixel, how far away in x and y the pixel is that is most like it, in px. */
export interface NearestField {
  readonly dx: Int16Array;
  readonly dy: Int16Array;
}

const iterations = 4;

/**
 * The nearest neighbour of each pixel among those at least `leastDistance` px away, approximately: PatchMatch, which
 * passes good offsets on to neighbours, as they are and continued as a ramp (copies that were turned or scaled have
 * offsets that change steadily), to the pixel that was matched, and tries random ones around them.
 *
 * Cozzolino, Poggi and Verdoliva 2015, "Efficient Dense-Field Copy–Move Forgery Detection",
 * https://doi.org/10.1109/TIFS.2015.2455334; after Barnes et al. 2009, "PatchMatch", https://doi.org/10.1145/1531326.1531330
 *
 * @param active - 1 where a pixel is to be matched, and may be
 */
export function nearestField(
  features: Features,
  active: Uint8Array,
  leastDistance: number,
  random: Random,
): NearestField {
  const { width, height, count, data } = features;
  const pixels = width * height;
  const dx = new Int16Array(pixels);
  const dy = new Int16Array(pixels);
  const best = new Float32Array(pixels).fill(Infinity);
  const nearest = leastDistance * leastDistance;

  const attempt = (x: number, y: number, u: number, v: number) => {
    const tx = x + u;
    const ty = y + v;
    if (tx < 0 || ty < 0 || tx >= width || ty >= height || u * u + v * v < nearest) return;
    const from = y * width + x;
    const to = ty * width + tx;
    if (!active[to]) return;
    const limit = best[from]!;
    let distance = 0;
    for (let f = from * count, g = to * count, end = f + count; f < end; f++, g++) {
      const difference = data[f]! - data[g]!;
      distance += difference * difference;
      if (distance >= limit) return;
    }
    best[from] = distance;
    dx[from] = u;
    dy[from] = v;
  };

  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (active[y * width + x])
        for (let i = 0; i < 4; i++) attempt(x, y, random.integer(0, width) - x, random.integer(0, height) - y);

  for (let iteration = 0; iteration < iterations; iteration++) {
    const step = iteration % 2 === 0 ? 1 : -1; // from the top left, then from the bottom right
    for (let row = 0; row < height; row++) {
      const y = step > 0 ? row : height - 1 - row;
      for (let column = 0; column < width; column++) {
        const x = step > 0 ? column : width - 1 - column;
        const i = y * width + x;
        if (!active[i]) continue;
        for (let way = 0; way < 3; way++) {
          // Left, above, and both, as seen from where the scan comes.
          const a = way === 1 ? 0 : step;
          const b = way === 0 ? 0 : step;
          const x1 = x - a;
          const y1 = y - b;
          const x2 = x1 - a;
          const y2 = y1 - b;
          if (x1 < 0 || y1 < 0 || x1 >= width || y1 >= height) continue;
          const before = y1 * width + x1;
          if (best[before] === Infinity) continue;
          attempt(x, y, dx[before]!, dy[before]!);
          if (x2 < 0 || y2 < 0 || x2 >= width || y2 >= height) continue;
          const second = y2 * width + x2;
          if (best[second] !== Infinity) attempt(x, y, 2 * dx[before]! - dx[second]!, 2 * dy[before]! - dy[second]!);
        }
        for (let reach = Math.max(width, height) >> 1; reach >= 1; reach >>= 2)
          attempt(x, y, dx[i]! + random.integer(-reach, reach + 1), dy[i]! + random.integer(-reach, reach + 1));
        if (best[i] !== Infinity) attempt(x + dx[i]!, y + dy[i]!, -dx[i]!, -dy[i]!);
      }
    }
  }
  return { dx, dy };
}
