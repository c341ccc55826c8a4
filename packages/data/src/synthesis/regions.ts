import type { Random } from '@forgelens/autograd';
import { emptyMask, type Mask } from '@forgelens/imaging/pixels';

import type { Labels } from '../pictures.ts';

/** The rectangle that holds what a mask marks: right and bottom are exclusive. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The smallest rectangle around what a mask marks; null when it marks nothing. */
export function boundingBox({ width, height, data }: Mask): Box | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    const first = data.subarray(y * width, (y + 1) * width).indexOf(1);
    if (first === -1) continue;
    left = Math.min(left, first);
    right = Math.max(right, data.subarray(y * width, (y + 1) * width).lastIndexOf(1) + 1);
    top = Math.min(top, y);
    bottom = y + 1;
  }
  return bottom === 0 ? null : { left, top, right, bottom };
}

/** What a mask [H · W] marks, and all around it within a square of `reach` px: 1, else 0. */
export function widened(marks: Uint8Array, width: number, height: number, reach: number): Uint8Array {
  const rows = new Uint8Array(marks.length);
  for (let y = 0; y < height; y++) {
    const row = marks.subarray(y * width, (y + 1) * width);
    for (let first = row.indexOf(1); first !== -1;) {
      const gap = row.indexOf(0, first);
      const end = gap === -1 ? width : gap;
      rows.fill(1, y * width + Math.max(0, first - reach), y * width + Math.min(width, end + reach));
      first = row.indexOf(1, end);
    }
  }
  // How many rows of the square mark each column, counted on from row to row.
  const all = new Uint8Array(marks.length);
  const inside = new Uint16Array(width);
  for (let y = -reach; y < height; y++) {
    const [entering, leaving] = [(y + reach) * width, (y - reach - 1) * width];
    if (y + reach < height) for (let i = 0; i < width; i++) inside[i]! += rows[entering + i]!;
    if (leaving >= 0) for (let i = 0; i < width; i++) inside[i]! -= rows[leaving + i]!;
    if (y >= 0) for (let i = 0; i < width; i++) all[y * width + i] = inside[i]! > 0 ? 1 : 0;
  }
  return all;
}

/**
 * What is inside a polygon, by the even-odd rule at pixel centres.
 *
 * @param points - x y x y …, in pixels
 */
export function polygonMask(points: readonly number[], width: number, height: number): Mask {
  const mask = emptyMask(width, height);
  const count = points.length >> 1;
  const { top, bottom } = polygonBox(points);
  for (let row = Math.max(0, Math.floor(top)); row < Math.min(height, bottom); row++) {
    const y = row + 0.5;
    const crossings: number[] = [];
    for (let i = 0; i < count; i++) {
      const j = (i + 1) % count;
      const [x1, y1, x2, y2] = [points[2 * i]!, points[2 * i + 1]!, points[2 * j]!, points[2 * j + 1]!];
      if (y1 <= y !== y2 <= y) crossings.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k]! - 0.5));
      const to = Math.min(width, Math.ceil(crossings[k + 1]! - 0.5));
      if (to > from) mask.data.fill(1, row * width + from, row * width + to);
    }
  }
  return mask;
}

/**
 * The outline of a smooth closed shape somewhere in a picture, as x y x y … in whole pixels: what a lasso would draw.
 *
 * @param share - the shape's share of the picture's area, about
 */
export function drawOutline(random: Random, width: number, height: number, share: number): number[] {
  const radius = Math.sqrt((share * width * height) / Math.PI);
  const stretch = random.uniform(0.7, 1.4);
  const waves = [2, 3, 4, 5].map(k => [k, random.uniform(0, 0.35 / k), random.uniform(0, 2 * Math.PI)] as const);
  const centre = [
    random.uniform(Math.min(1.2 * radius, width / 2), width - Math.min(1.2 * radius, width / 2)),
    random.uniform(Math.min(1.2 * radius, height / 2), height - Math.min(1.2 * radius, height / 2)),
  ] as const;
  const corners = random.chance(0.3) ? random.integer(4, 9) : 48;
  const points = Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners;
    const r = radius * (1 + waves.reduce((sum, [k, size, phase]) => sum + size * Math.cos(k * angle + phase), 0));
    return [centre[0] + r * stretch * Math.cos(angle), centre[1] + (r / stretch) * Math.sin(angle)];
  });
  return points.flat().map(Math.round);
}

/** x y x y …, in pixels; null for a line of a file that has none. */
export type Polygon = readonly number[] | null;

/**
 * The polygons of a text with a polygon a line (class, then x y x y … in [0, 1]), in pixels as `polygonMask` takes them;
 * null for a line that has none.
 */
export const readPolygons = (text: string, width: number, height: number): Polygon[] =>
  text.split('\n').map(line => {
    const numbers = line.trim().split(/\s+/).slice(1).map(Number);
    return numbers.length < 6 ? null : numbers.map((value, i) => value * (i % 2 === 0 ? width : height));
  });

/** The smallest rectangle of whole pixels around a polygon of points x y x y …. */
export function polygonBox(points: readonly number[]): Box {
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  return {
    left: Math.floor(Math.min(...xs)),
    top: Math.floor(Math.min(...ys)),
    right: Math.ceil(Math.max(...xs)),
    bottom: Math.ceil(Math.max(...ys)),
  };
}

/** The area within a polygon of points x y x y …, by the shoelace formula. */
export function polygonArea(points: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < points.length; i += 2) {
    const j = (i + 2) % points.length;
    twice += points[i]! * points[j + 1]! - points[j]! * points[i + 1]!;
  }
  return Math.abs(twice) / 2;
}

/**
 * The labels of neighbouring segments, merged from a random one on until they cover a random area within bounds; null
 * when that does not come out.
 *
 * @param least - px²
 * @param most - px²
 */
export function mergeSegments(random: Random, labels: Labels, least: number, most: number): number[] | null {
  const { width, height, data: segments } = labels;
  const areas = new Map<number, number>();
  const neighbours = new Map<number, Set<number>>();
  // Counted per pair of labels first: a picture has many pixels and few pairs.
  const meetings = new Uint32Array(256 * 256);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const label = segments[i]!;
      meetings[label * 257]!++;
      if (x + 1 < width && segments[i + 1] !== label) meetings[label * 256 + segments[i + 1]!]!++;
      if (y + 1 < height && segments[i + width] !== label) meetings[label * 256 + segments[i + width]!]!++;
    }
  for (let a = 0; a < 256; a++)
    for (let b = 0; b < 256; b++) {
      const count = meetings[a * 256 + b]!;
      if (count === 0) continue;
      if (a === b) areas.set(a, count);
      else {
        neighbours.set(a, (neighbours.get(a) ?? new Set()).add(b));
        neighbours.set(b, (neighbours.get(b) ?? new Set()).add(a));
      }
    }

  const target = Math.exp(random.uniform(Math.log(least), Math.log(most)));
  const chosen = new Set([random.pick([...areas.keys()])]);
  let area = areas.get([...chosen][0]!)!;
  if (area > most) return null;
  while (area < target) {
    const next = [...chosen]
      .flatMap(one => [...(neighbours.get(one) ?? [])])
      .filter(one => !chosen.has(one) && area + areas.get(one)! <= most);
    if (next.length === 0) break;
    const added = random.pick(next);
    chosen.add(added);
    area += areas.get(added)!;
  }
  return area < least ? null : [...chosen];
}

/** What is covered by segments of the given labels. */
export function segmentMask(labels: Labels, chosen: readonly number[]): Mask {
  const mask = emptyMask(labels.width, labels.height);
  const isChosen = new Uint8Array(256);
  for (const label of chosen) isChosen[label] = 1;
  for (let i = 0; i < mask.data.length; i++) mask.data[i] = isChosen[labels.data[i]!]!;
  return mask;
}
