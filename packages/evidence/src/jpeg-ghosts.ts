import type { Image } from '@forgelens/imaging/pixels';
import { bandsOf, widestJpeg } from './bands.ts';
import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { growRegions } from './grow-regions.ts';
import { savedQuality } from './jpeg-tables.ts';
import { luma, type Plane } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** Qualities at which the picture is saved once more; at the first and the last no ghost can be seen. */
const qualities = Array.from({ length: 15 }, (_, i) => 25 + 5 * i);
/** The side of a cell, in px, as in the paper. */
const side = 16;
/** The least mean squared change, in squared levels of 0–255, of a cell that has texture enough to judge. */
const leastChange = 1;
/** A ghost: the change is smaller than at the higher qualities up to which it rises, by more than this share of it. */
const leastDepth = 0.1;
/** Of the cells of a region, the mean must be more. */
const leastMeanDepth = 0.15;
/** A region of fewer cells, or of fewer than 3 columns or rows, is left to chance. */
const leastCells = 9;
/** A quality at which a larger share of the other cells has a ghost, too, is the picture's own. */
const mostElsewhere = 0.1;

/**
 * JPEG ghosts: parts that were saved at a lower quality before they came into this picture. It is saved once more at
 * qualities from 25 to 95, in steps of 5 (libjpeg's scale), and the mean squared change of luma in each cell of 16 × 16 px is
 * smoothed over 3 × 3 cells. It falls as the quality rises; where it falls into a valley, the cell was saved at that quality
 * before. A region of at least 9 such cells at a quality at which few others have a ghost is told. Map: the depth of the
 * valley as a share of the peak behind it, where the quality is not the whole picture's; 1 is half or more.
 *
 * Farid 2009, "Exposing Digital Forgeries from JPEG Ghosts", https://doi.org/10.1109/TIFS.2008.2012215. Unlike the paper:
 * regions are found by the program; luma alone is taken, since chroma is stored at half the size and smoothed; the mean
 * change of each block is not counted; and the grid is not shifted: a ghost shows if the part kept its place on the grid of
 * 8 × 8 px or the picture was not saved as JPEG afterwards.
 */
export const jpegGhosts: EvidenceKind = {
  id: 'jpeg-ghosts',
  title: 'JPEG ghosts',
  whatItShows:
    'Parts that were once saved as JPEG at a lower quality than the rest: saving them at that quality again hardly changes them. Marked is where this is so at a quality that the rest of the picture does not share.',
  lookFor:
    'A marked region that fits an object, and the quality named with it: the object comes from a file of that quality.',
  ignore:
    'Scattered cells, and marks in flat or overexposed areas. A part of higher quality than the last saving, or moved off the grid of 8×8 pixels, leaves no ghost: most forgeries do not.',
  source: {
    text: 'Farid 2009, Exposing Digital Forgeries from JPEG Ghosts',
    url: 'https://doi.org/10.1109/TIFS.2008.2012215',
  },
  find,
};

async function find({ image, jpeg, tools }: Subject): Promise<Finding> {
  const [columns, rows] = [Math.floor(image.width / side), Math.floor(image.height / side)];
  if (columns < 3 || rows < 3)
    return notApplicable(`The picture has ${image.width}×${image.height} px; ghosts are looked for from 48×48 px on.`);
  if (image.width > widestJpeg)
    return notApplicable(`The picture is ${image.width} px wide; JPEG has no more than ${widestJpeg} px.`);
  const sharply = qualities.map(() => new Float64Array(columns * rows));
  for (const { image: part, from, top, bottom } of bandsOf(image)) {
    const before = luma(part);
    const [first, end] = [top / side, Math.min(rows, Math.ceil(bottom / side))];
    for (const [i, quality] of qualities.entries()) {
      const after = luma(await tools.recompress(part, quality));
      const cells = sharply[i]!.subarray(first * columns, end * columns);
      addSquaredChange(cells, columns, before, after, top - from);
    }
  }
  const changes = sharply.map(cells => smooth(cells, columns));

  const depths = new Float32Array(columns * rows);
  const table: string[][] = [];
  const found: {
    quality: number;
    depth: number;
    cells: number;
    left: number;
    top: number;
    right: number;
    bottom: number;
  }[] = [];
  // The last saving shows around its own quality everywhere; what is above it, it has covered.
  const saved = jpeg === null ? null : savedQuality(jpeg);
  const highest = saved === null ? 90 : saved - 10;
  for (const [i, quality] of qualities.slice(0, -1).entries()) {
    if (i === 0) continue;
    const next = changes[i + 1]!;
    const depth = next.map((_, cell) => valley(changes, i, cell));
    const ghosts = Uint8Array.from(depth, value => (value > leastDepth ? 1 : 0));
    const textured = next.reduce((sum, change) => sum + (change > leastChange ? 1 : 0), 0);
    const all = ghosts.reduce((sum, ghost) => sum + ghost, 0);
    const share = all / Math.max(1, textured);
    let regions = 0;
    if (quality <= highest)
      for (const { members, ...bounds } of growRegions(ghosts, columns, 0, 1)) {
        const elsewhere = (all - members.length) / Math.max(1, textured - members.length);
        if (members.length < leastCells || bounds.right - bounds.left < 2 || bounds.bottom - bounds.top < 2) continue;
        if (elsewhere > mostElsewhere || members.length > textured / 2) continue;
        const mean = members.reduce((sum, cell) => sum + depth[cell]!, 0) / members.length;
        if (mean < leastMeanDepth) continue;
        regions++;
        found.push({ ...bounds, quality, depth: mean, cells: members.length });
      }
    if (quality <= highest && (share <= mostElsewhere || regions > 0))
      for (const [cell, value] of depth.entries()) if (ghosts[cell]) depths[cell] = Math.max(depths[cell]!, value);
    const depthOf = depth.reduce((sum, value, cell) => sum + (ghosts[cell] ? value : 0), 0) / Math.max(1, all);
    table.push([String(quality), percent(share), percent(depthOf), String(regions)]);
  }

  // One region has ghosts at neighbouring qualities and at those with multiples of the same divisors: the deepest is told.
  const told: typeof found = [];
  for (const ghost of found.sort((a, b) => b.depth - a.depth))
    if (!told.some(other => overlap(ghost, other))) told.push(ghost);
  const boxes = told.map(({ left, top, right, bottom }) => ({
    left: side * left,
    top: side * top,
    width: side * (right - left + 1),
    height: side * (bottom - top + 1),
  }));
  const words = told.slice(0, 3).map(({ quality }, i) => {
    const { left, top, width, height } = boxes[i]!;
    return `${width}×${height} px at (${left}, ${top}) of quality ${quality}`;
  });
  return {
    outcome: told.length > 0 ? 'notable' : 'quiet',
    summary:
      told.length === 0
        ? 'No part shows an earlier saving at a lower quality that the rest does not share.'
        : `Ghosts: ${words.join('; ')}${told.length > 3 ? ` and ${told.length - 3} more` : ''}.`,
    map: {
      // Cells that the border cuts are not judged.
      ...extend(depths, columns, rows, image),
      zero: 'no ghost',
      one: 'a change that is smaller than at higher qualities by half or more',
    },
    boxes,
    table: {
      columns: ['Quality', 'Cells with a ghost, of those with texture', 'Their mean depth', 'Regions'],
      rows: table,
    },
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** How much smaller a cell's change is at the i-th quality than where it stops to rise behind it; 0 if it falls there. */
function valley(changes: readonly Float64Array[], i: number, cell: number): number {
  const change = changes[i]![cell]!;
  if (change > changes[i - 1]![cell]!) return 0;
  let peak = change;
  for (let j = i + 1; j < changes.length && changes[j]![cell]! > peak; j++) peak = changes[j]![cell]!;
  return peak > leastChange ? 1 - change / peak : 0;
}

/**
 * The mean squared change of luma of each whole cell, in squared levels of 0–255, less what each 8 × 8 block changes as a
 * whole: in flat blocks that is luck.
 *
 * @param sums - of cells from the row `skipped` of the planes on
 */
function addSquaredChange(sums: Float64Array, columns: number, before: Plane, after: Plane, skipped: number): void {
  const { width, data } = before;
  for (let top = 0; top < (sums.length / columns) * side; top += 8)
    for (let left = 0; left < columns * side; left += 8) {
      let sum = 0;
      let squares = 0;
      for (let y = skipped + top; y < skipped + top + 8; y++)
        for (let i = y * width + left, end = i + 8; i < end; i++) {
          const change = data[i]! - after.data[i]!;
          sum += change;
          squares += change * change;
        }
      const cell = Math.floor(top / side) * columns + Math.floor(left / side);
      sums[cell]! += (squares - (sum * sum) / 64) / (side * side);
    }
}

/** Means over 3 × 3 cells; at the border over those there are. */
function smooth(values: Float64Array, columns: number): Float64Array {
  const rows = values.length / columns;
  return values.map((_, cell) => {
    const [x, y] = [cell % columns, Math.floor(cell / columns)];
    let sum = 0;
    let count = 0;
    for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++)
      for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++, count++) sum += values[v * columns + u]!;
    return sum / count;
  });
}

interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const overlap = (a: Bounds, b: Bounds): boolean =>
  a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;

/** Depths of whole cells as a map of the whole picture, in which cells that the border cuts are 0. */
function extend(depths: Float32Array, columns: number, rows: number, { width, height }: Image) {
  const [wide, high] = [Math.ceil(width / side), Math.ceil(height / side)];
  const values = new Float32Array(wide * high);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) values[y * wide + x] = Math.min(1, 2 * depths[y * columns + x]!);
  return { width: wide, height: high, values };
}
