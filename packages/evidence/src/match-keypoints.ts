import type { Affine } from './affine.ts';
import { descriptorLength, mirrorDescriptor, type Keypoint } from './keypoints.ts';

/** Descriptors farther apart than this, squared, are of different things. */
const mostDistance = 0.4;
/** No copy is larger or smaller than its source by more than this. */
const mostScale = 2;
/** The matches that are the most alike are kept. */
const mostMatches = 3000;

/** Two keypoints that look alike, and the map that lays the surroundings of one over those of the other. */
export interface KeypointMatch {
  /** The smaller. */
  readonly from: Keypoint;
  readonly to: Keypoint;
  readonly map: Affine;
}

/**
 * Where the surroundings of one keypoint would lie if they were those of another: for each keypoint the map to the one that
 * is most like it, and to the one that is most like its mirror image. The most alike come first.
 */
export function matchKeypoints(keypoints: readonly Keypoint[], leastDistance: number): KeypointMatch[] {
  const matches: { from: Keypoint; to: Keypoint; mirrored: boolean; distance: number }[] = [];
  for (const dark of [false, true]) {
    const points = keypoints.filter(point => point.dark === dark);
    const plain = packed(points.map(({ descriptor }) => descriptor));
    for (const mirrored of [false, true]) {
      const sought = mirrored ? packed(points.map(({ descriptor }) => mirrorDescriptor(descriptor))) : plain;
      const nearest = new Int32Array(points.length).fill(-1);
      const best = new Float32Array(points.length).fill(mostDistance);
      for (let i = 0; i < points.length; i++)
        for (let j = 0; j < i; j++) {
          const distance = squaredDistance(sought, i, plain, j, Math.max(best[i]!, best[j]!));
          if (distance >= best[i]! && distance >= best[j]!) continue;
          const [p, q] = [points[i]!, points[j]!];
          const scale = p.size / q.size;
          if (Math.hypot(p.x - q.x, p.y - q.y) < leastDistance || scale > mostScale || scale * mostScale < 1) continue;
          if (distance < best[i]!) [best[i], nearest[i]] = [distance, j];
          if (distance < best[j]!) [best[j], nearest[j]] = [distance, i];
        }
      for (const [i, j] of nearest.entries()) {
        // Two keypoints that are nearest to each other match once.
        if (j < 0 || (nearest[j] === i && j < i)) continue;
        const [from, to] = points[i]!.size <= points[j]!.size ? [points[i]!, points[j]!] : [points[j]!, points[i]!];
        matches.push({ from, to, mirrored, distance: best[i]! });
      }
    }
  }
  matches.sort((p, q) => p.distance - q.distance);
  return matches.slice(0, mostMatches).map(({ from, to, mirrored }) => {
    const scale = to.size / from.size;
    const angle = mirrored ? to.angle + from.angle : to.angle - from.angle;
    const [a, c] = [scale * Math.cos(angle), scale * Math.sin(angle)];
    const [b, d] = mirrored ? [c, -a] : [-c, a];
    const map = { a, b, c, d, e: to.x - a * from.x - b * from.y, f: to.y - c * from.x - d * from.y };
    return { from, to, map };
  });
}

function packed(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.length * descriptorLength);
  for (const [i, row] of rows.entries()) all.set(row, i * descriptorLength);
  return all;
}

/** Some number of at least `limit` where the distance is that long. */
function squaredDistance(a: Float32Array, i: number, b: Float32Array, j: number, limit: number): number {
  let sum = 0;
  for (let k = i * descriptorLength, l = j * descriptorLength, end = k + descriptorLength; k < end;) {
    for (const stop = k + 16; k < stop; k++, l++) {
      const difference = a[k]! - b[l]!;
      sum += difference * difference;
    }
    if (sum >= limit) return sum;
  }
  return sum;
}
