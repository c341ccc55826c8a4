import type { Random } from '@forgelens/autograd';

import { widened } from './regions.ts';
import { smoothFill } from './smooth-fill.ts';

/** Half the width of a patch of 5 × 5 px. */
const reach = 2;

/** A picture in one of several sizes, with what is searched in it. */
interface Level {
  readonly width: number;
  readonly height: number;
  /** [H, W, 3], levels of 0–255. */
  readonly colours: Float32Array;
  /** [H · W], 1 unknown. */
  readonly hole: Uint8Array;
}

/** For each patch that reaches into the hole: its centre, and the centre of the known patch that looks most like it. */
interface Matches {
  /** How far from each other the centres are in each direction, in px. */
  readonly stride: number;
  /** [H · W], 1 where the centre of a known patch may be. */
  readonly known: Uint8Array;
  /** [H · W], the place of a patch in the lists below; −1 for others. */
  readonly index: Int32Array;
  readonly targets: Int32Array;
  readonly sources: Int32Array;
  readonly distances: Float32Array;
}

/**
 * Fills a hole with patches of the rest of the picture, so that each patch that reaches into the hole looks like one
 * that is known: from coarse to fine, searching the most similar patches and averaging what they say of each pixel.
 *
 * Wexler, Shechtman and Irani 2007, Space-Time Completion of Video, https://doi.org/10.1109/TPAMI.2007.60, with the
 * search of Barnes et al. 2009, PatchMatch, https://doi.org/10.1145/1531326.1531330. Unlike the papers: the coarsest
 * level starts from a smooth fill, the finest is searched once and for every second patch in each direction, and finer
 * levels only near to what coarser ones found.
 *
 * @param colours - [H, W, 3]; the hole is overwritten
 * @param hole - [H · W], 1 unknown
 */
export function fillPatches(
  colours: Float32Array,
  hole: Uint8Array,
  width: number,
  height: number,
  random: Random,
): void {
  const levels: Level[] = [{ width, height, colours, hole }];
  while (Math.min(levels[0]!.width, levels[0]!.height) >= 40 && levels.length < 6) levels.unshift(halve(levels[0]!));
  fillSmoothly(levels[0]!);
  const draw = fastRandom(random);
  let before: { readonly level: Level; readonly matches: Matches } | null = null;
  for (const [i, level] of levels.entries()) {
    const isFinest = i === levels.length - 1;
    const matches = startMatches(level, before, isFinest && i > 0 ? 2 : 1, draw);
    if (matches === null) {
      // Nothing known is as large as a patch.
      fillSmoothly(level);
      continue;
    }
    if (before !== null) vote(level, matches);
    // The coarsest level is searched all over; the others improve what they were given.
    const rounds = isFinest ? 1 : i === 0 ? 6 : 2;
    const radius = isFinest ? 1 : i === 0 ? Math.max(level.width, level.height) : 8;
    for (let round = 0; round < rounds; round++) {
      search(level, matches, draw, radius, round % 2 === 1);
      vote(level, matches);
    }
    before = { level, matches };
  }
}

const fillSmoothly = ({ width, height, colours, hole }: Level): void =>
  smoothFill(
    colours,
    Float32Array.from(hole, value => 1 - value),
    width,
    height,
    3,
  );

/** Numbers in [0, 1) for the inner loop of the search: mulberry32. */
function fastRandom(random: Random): () => number {
  let state = random.bits();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The picture at half its size; a pixel is in the hole when any of its four is. */
function halve({ width, height, colours, hole }: Level): Level {
  const [halfWidth, halfHeight] = [width >> 1, height >> 1];
  const half = {
    width: halfWidth,
    height: halfHeight,
    colours: new Float32Array(halfWidth * halfHeight * 3),
    hole: new Uint8Array(halfWidth * halfHeight),
  };
  for (let y = 0, to = 0; y < halfHeight; y++)
    for (let x = 0; x < halfWidth; x++, to++) {
      const a = 2 * y * width + 2 * x;
      const b = a + width;
      half.hole[to] = hole[a]! | hole[a + 1]! | hole[b]! | hole[b + 1]!;
      for (let c = 0; c < 3; c++)
        half.colours[3 * to + c] =
          (colours[3 * a + c]! + colours[3 * a + 3 + c]! + colours[3 * b + c]! + colours[3 * b + 3 + c]!) / 4;
    }
  return half;
}

/** Matches to begin with: those of the level before, twice as fine, or random ones; null when no patch is known. */
function startMatches(
  { width, height, hole }: Level,
  before: { readonly level: Level; readonly matches: Matches } | null,
  stride: number,
  draw: () => number,
): Matches | null {
  const touches = widened(hole, width, height, reach);
  // The last patch of a row or column is always there: no pixel may be without one.
  const isCentre = (position: number, extent: number): boolean =>
    (position - reach) % stride === 0 || position === extent - reach - 1;
  const known = new Uint8Array(hole.length);
  const index = new Int32Array(hole.length).fill(-1);
  const [targets, sources]: [number[], number[]] = [[], []];
  for (let y = reach; y < height - reach; y++)
    for (let x = reach; x < width - reach; x++) {
      const i = y * width + x;
      known[i] = 1 - touches[i]!;
      if (known[i] === 1) sources.push(i);
      else if (isCentre(x, width) && isCentre(y, height)) index[i] = targets.push(i) - 1;
    }
  if (targets.length === 0 || sources.length === 0) return null;
  const finer = (target: number): number => {
    if (before === null) return -1;
    const [x, y] = [target % width, Math.floor(target / width)];
    const coarse = before.level.width;
    const found = before.matches.index[(y >> 1) * coarse + (x >> 1)] ?? -1;
    if (found === -1) return -1;
    const source = before.matches.sources[found]!;
    return (2 * Math.floor(source / coarse) + (y & 1)) * width + 2 * (source % coarse) + (x & 1);
  };
  return {
    stride,
    known,
    index,
    targets: Int32Array.from(targets),
    sources: Int32Array.from(targets, target => {
      const source = finer(target);
      return known[source] === 1 ? source : sources[Math.floor(draw() * sources.length)]!;
    }),
    distances: new Float32Array(targets.length).fill(1),
  };
}

/** The sum of squared differences of two patches, or something above `limit` as soon as it is. */
function difference(colours: Float32Array, width: number, a: number, b: number, limit: number): number {
  let sum = 0;
  for (let dy = -reach; dy <= reach && sum < limit; dy++) {
    let i = 3 * (a + dy * width - reach);
    let j = 3 * (b + dy * width - reach);
    for (let k = 0; k < 3 * (2 * reach + 1); k++, i++, j++) {
      const d = colours[i]! - colours[j]!;
      sum += d * d;
    }
  }
  return sum;
}

/** One round of PatchMatch: what neighbours have found is tried, and random places ever nearer to the best one. */
function search(
  { width, height, colours }: Level,
  { stride, known, index, targets, sources, distances }: Matches,
  draw: () => number,
  radius: number,
  backwards: boolean,
): void {
  const step = backwards ? stride : -stride;
  const offsets = [step, step * width];
  for (let n = 0; n < targets.length; n++) {
    const i = backwards ? targets.length - 1 - n : n;
    const target = targets[i]!;
    let best = sources[i]!;
    let least = difference(colours, width, target, best, Infinity);
    for (const offset of offsets) {
      const neighbour = index[target + offset] ?? -1;
      if (neighbour === -1) continue;
      const source = sources[neighbour]! - offset;
      if (source === best || known[source] !== 1) continue;
      const distance = difference(colours, width, target, source, least);
      if (distance < least) [best, least] = [source, distance];
    }
    for (let around = radius; around >= 1; around /= 2) {
      const x = (best % width) + Math.round((2 * draw() - 1) * around);
      const y = Math.floor(best / width) + Math.round((2 * draw() - 1) * around);
      if (x < 0 || x >= width || y < 0 || y >= height || known[y * width + x] !== 1) continue;
      const distance = difference(colours, width, target, y * width + x, least);
      if (distance < least) [best, least] = [y * width + x, distance];
    }
    sources[i] = best;
    distances[i] = least;
  }
}

/** Each pixel of the hole becomes the mean of what the matches of all patches over it say; good matches count most. */
function vote({ width, colours, hole }: Level, { targets, sources, distances }: Matches): void {
  const sums = new Float32Array(colours.length);
  const weights = new Float32Array(hole.length);
  const typical = Math.max(1, distances.toSorted()[distances.length >> 1]!);
  for (let i = 0; i < targets.length; i++) {
    const weight = Math.exp(-distances[i]! / typical) + 1e-6;
    for (let dy = -reach; dy <= reach; dy++)
      for (let dx = -reach; dx <= reach; dx++) {
        const to = targets[i]! + dy * width + dx;
        if (hole[to] === 0) continue;
        const from = sources[i]! + dy * width + dx;
        weights[to]! += weight;
        sums[3 * to]! += weight * colours[3 * from]!;
        sums[3 * to + 1]! += weight * colours[3 * from + 1]!;
        sums[3 * to + 2]! += weight * colours[3 * from + 2]!;
      }
  }
  for (let i = 0; i < hole.length; i++)
    if (hole[i] === 1 && weights[i]! > 0)
      for (let c = 0; c < 3; c++) colours[3 * i + c] = sums[3 * i + c]! / weights[i]!;
}
