import { blurPlanes, resizeImage } from '@forgelens/imaging/pixels';
import { agreement, correlate, mapPoint, partsOf, register, type Affine } from './affine.ts';
import type { Box, Finding, MatchedPair, Point } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { findKeypoints, type Keypoint } from './keypoints.ts';
import { matchKeypoints } from './match-keypoints.ts';
import { luma, type Plane } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** Larger pictures are scaled down to this many px first. */
const mostPixels = 2 ** 19;
/** Smaller pictures have no room for two places. In px. */
const leastSide = 64;
/** Copies nearer than this are not looked for, in px of the scaled picture. */
const leastDistance = 24;
/** The blur in which places are compared, in px: what is finer is lost when a copy is turned, scaled or saved. */
const sharpness = 0.7;
/** The side of the cells that regions are made of, in px. */
const cell = 4;
/** What is looked at around a cell on each side, in px. */
const around = 4;
/** The standard deviation of the fine structure below which a cell is flat, in levels of 0–255. */
const leastContrast = 0.5;
/** The least share that gradients across the main direction have in those along it: a straight edge matches any other. */
const leastCornering = 0.05;
/** The least correlation of a cell with its match. */
const leastCellSimilarity = 0.75;
/** Smaller regions are left to chance, in px of the scaled picture. */
const leastArea = 600;
/** The least correlation of the fine structure of two places. Likeness gives less; a copy gives more. */
const leastSimilarity = 0.94;
/** The least agreement of their levels: lookalikes are lit differently. */
const leastAgreement = 0.94;
/** Lookalikes lie over each other when one is stretched; a copy keeps its proportions, to this. */
const mostStretch = 0.02;
/** While a region grows, its map is known less well. */
const mostStretchGrowing = 0.25;

/**
 * Copy-move: two places of the picture with the same content, as pairs. Keypoints that look alike, as they are or mirrored,
 * say how one place may have been moved, turned and scaled. What surrounds them is laid over each other, and grows by
 * cells that agree. Both places must correlate in fine structure by 0.92, be lit alike, and have the same proportions. Map: the correlation at both places.
 *
 * Amerini et al. 2011, "A SIFT-Based Forensic Method for Copy–Move Attack Detection and Transformation Recovery",
 * https://doi.org/10.1109/TIFS.2011.2129512. Unlike the paper: each match is registered and tried by itself in place of
 * clusters of matches; what agrees pixel by pixel is the region; mirror images are matched; pictures over 2¹⁹ px are scaled down.
 */
export const copyMove: EvidenceKind = {
  id: 'copy-move',
  title: 'Copy-move matches',
  whatItShows: 'Two places of the picture that show the same, down to fine structure: one may be a copy of the other.',
  lookFor:
    'Matches of whole objects, or of ground laid over something. Natural things never repeat in every detail, so look whether noise and chance details agree, too.',
  ignore:
    'Things that repeat by themselves: windows, tiles, fabric, print, screens, drawings, reflections. Which of two places is the copy cannot be told. Copies that are small, flat or out of focus are mostly not found.',
  source: {
    text: 'Amerini et al. 2011, A SIFT-Based Forensic Method for Copy–Move Attack Detection and Transformation Recovery',
    url: 'https://doi.org/10.1109/TIFS.2011.2129512',
  },
  find,
};

function find({ image }: Subject): Finding {
  if (Math.min(image.width, image.height) < leastSide)
    return notApplicable(
      `The picture has ${image.width}×${image.height} px; copies are looked for from ${leastSide}×${leastSide} px on.`,
    );
  const scale = Math.min(1, Math.sqrt(mostPixels / (image.width * image.height)));
  const [width, height] = [image.width, image.height].map(side => Math.max(leastSide, Math.round(side * scale))) as [
    number,
    number,
  ];
  const plane = luma(resizeImage(image, width, height));
  const regions = matchedRegions(plane);

  const values = new Float32Array(width * height);
  for (const { members, map, similarity } of regions)
    for (const i of members)
      for (const j of [i, ...footprint(plane, map, i)]) values[j] = Math.max(values[j]!, similarity);
  const pairs = regions.map(region => pairOf(region, width, image.width / width, image.height / height));
  const words = pairs.slice(0, 3).map(pair => {
    const place = ({ left, top, width: wide, height: high }: Box) => `${wide}×${high} px at (${left}, ${top})`;
    return [
      `${place(pair.a)} and ${place(pair.b)}`,
      ...changesOf(pair),
      `correlation ${pair.similarity.toFixed(2)}`,
    ].join(', ');
  });
  return {
    outcome: pairs.length > 0 ? 'notable' : 'quiet',
    summary:
      pairs.length === 0
        ? 'No two places show the same.'
        : `Places that show the same: ${words.join('; ')}${pairs.length > 3 ? `; and ${pairs.length - 3} more pairs` : ''}.`,
    map: { width, height, values, zero: 'no match', one: 'the same down to the finest structure' },
    pairs,
  };
}

/** A region and the place that it matches, in px of the scaled picture. */
interface Match {
  readonly members: readonly number[];
  /** From a place in the region to the place that shows the same. */
  readonly map: Affine;
  readonly similarity: number;
}

/** Regions that grow from matches of keypoints, each laid over its match; the largest first. */
function matchedRegions(plane: Plane): Match[] {
  const { width } = plane;
  const smooth = { ...plane, data: blurPlanes(plane.data, width, plane.height, 1, sharpness) };
  const fine = fineStructure(smooth);
  const textured = texturedCells(fine);
  const grown: Match[] = [];
  for (const { from, to, map } of matchKeypoints(findKeypoints(plane), leastDistance)) {
    if (grown.some(known => tells(known, from, to, width))) continue;
    const match = growMatch(fine, textured, from, map);
    if (match !== null) grown.push(match);
  }
  const copies = grown.filter(
    ({ members, map, similarity }) =>
      similarity >= leastSimilarity &&
      partsOf(map).stretch <= mostStretch &&
      agreement(smooth, fine, members, map) >= leastAgreement,
  );
  // A copy matches its source and the source its copy: the larger region of the two is kept.
  const kept: Match[] = [];
  const taken = new Uint8Array(plane.data.length);
  for (const match of copies.sort((a, b) => b.members.length - a.members.length)) {
    const { members, map } = match;
    const known = members.filter(i => taken[i] && footprint(plane, map, i).some(j => taken[j])).length;
    if (known > members.length / 2) continue;
    kept.push(match);
    for (const i of members) for (const j of [i, ...footprint(plane, map, i)]) taken[j] = 1;
  }
  return kept;
}

/** Whether a match says already that `from` and `to` show the same, to 3 px. */
function tells({ members, map }: Match, from: Point, to: Point, width: number): boolean {
  const isNear = (p: Point, q: Point) => {
    const { x, y } = mapPoint(map, p.x, p.y);
    return Math.hypot(x - q.x, y - q.y) < 3 && isInside(boxOf(members.map(i => pointOf(i, width))), p);
  };
  return isNear(from, to) || isNear(to, from);
}

const pointOf = (i: number, width: number): Point => ({ x: i % width, y: Math.floor(i / width) });

const isInside = ({ left, top, width, height }: Box, { x, y }: Point): boolean =>
  x >= left && y >= top && x < left + width && y < top + height;

/** The four px between which `map` takes the px `i`, as far as they lie in the plane. */
function footprint({ width, height }: Plane, map: Affine, i: number): number[] {
  const { x, y } = mapPoint(map, i % width, Math.floor(i / width));
  return square({ width, height }, Math.floor(x), Math.floor(y), 2);
}

/** The region around a keypoint that looks like where `start` takes it, with the map that fits all of it. */
function growMatch(fine: Plane, textured: Uint8Array, { x, y, size }: Keypoint, start: Affine): Match | null {
  const reach = Math.min(16, Math.max(8, Math.round(5 * size)));
  const seed = square(fine, Math.round(x) - reach, Math.round(y) - reach, 2 * reach);
  if (correlate(fine, seed, start) < 0.3) return null;
  let map = register(fine, seed, start);
  if (map === null || partsOf(map).stretch > mostStretchGrowing || correlate(fine, seed, map) < leastCellSimilarity)
    return null;
  let members: number[] = [];
  for (let pass = 0; pass < 6; pass++) {
    const grown = growCells(fine, textured, x, y, map);
    if (grown.length < leastArea || grown.length < 1.05 * members.length) break;
    members = grown;
    const every = Math.ceil(members.length / 4000);
    const better = register(fine, every === 1 ? members : members.filter((_, i) => i % every === 0), map);
    if (better === null || partsOf(better).stretch > mostStretchGrowing) break;
    map = better;
  }
  return members.length === 0 ? null : { members, map, similarity: correlate(fine, members, map) };
}

/** The px of the cells that hang together with the one at (x, y), and are like where `map` takes them. */
function growCells(fine: Plane, textured: Uint8Array, x: number, y: number, map: Affine): number[] {
  const columns = Math.floor(fine.width / cell);
  const seen = new Uint8Array(textured.length);
  const members: number[] = [];
  const isAlike = (column: number, row: number) => {
    const corners = [0, cell - 1].flatMap(v => [0, cell - 1].map(u => ({ x: column * cell + u, y: row * cell + v })));
    for (const corner of corners) {
      const to = mapPoint(map, corner.x, corner.y);
      if (!isInside({ left: 0, top: 0, width: fine.width - 1, height: fine.height - 1 }, to)) return false;
      if (Math.hypot(to.x - corner.x, to.y - corner.y) < leastDistance) return false;
    }
    return correlate(fine, windowAround(fine, column, row), map) >= leastCellSimilarity;
  };
  const queue: number[] = [];
  const look = (column: number, row: number) => {
    for (let v = row - 2; v <= row + 2; v++)
      for (let u = column - 2; u <= column + 2; u++) {
        const next = v * columns + u;
        if (u < 0 || v < 0 || u >= columns || next >= textured.length || !textured[next] || seen[next]) continue;
        seen[next] = 1;
        if (isAlike(u, v)) queue.push(next);
      }
  };
  look(Math.floor(x / cell), Math.floor(y / cell));
  for (let at = 0; at < queue.length; at++) {
    const [column, row] = [queue[at]! % columns, Math.floor(queue[at]! / columns)];
    members.push(...square(fine, column * cell, row * cell, cell));
    look(column, row);
  }
  return members;
}

const windowAround = (plane: Plane, column: number, row: number): number[] =>
  square(plane, column * cell - around, row * cell - around, cell + 2 * around);

/** The places of a square, as far as it lies in the plane. */
function square({ width, height }: Pick<Plane, 'width' | 'height'>, left: number, top: number, side: number): number[] {
  const places: number[] = [];
  for (let y = Math.max(0, top); y < Math.min(height, top + side); y++)
    for (let x = Math.max(0, left); x < Math.min(width, left + side); x++) places.push(y * width + x);
  return places;
}

/** 1 for each cell whose surroundings have structure in more than one direction. */
function texturedCells(fine: Plane): Uint8Array {
  const { width, height, data } = fine;
  const [columns, rows] = [Math.floor(width / cell), Math.floor(height / cell)];
  const textured = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const places = windowAround(fine, column, row);
      let [sum, squares, xx, xy, yy] = [0, 0, 0, 0, 0];
      for (const i of places) {
        const value = data[i]!;
        const dx = (data[i + 1] ?? value) - value;
        const dy = (data[i + width] ?? value) - value;
        sum += value;
        squares += value * value;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
      }
      const spread = Math.hypot((xx - yy) / 2, xy);
      const variance = squares / places.length - (sum / places.length) ** 2;
      if (variance >= leastContrast ** 2 && (xx + yy) / 2 - spread >= leastCornering * ((xx + yy) / 2 + spread))
        textured[row * columns + column] = 1;
    }
  return textured;
}

/** What is finer than 3 px: a plane less its blurred self. */
function fineStructure({ width, height, data }: Plane): Plane {
  const coarse = blurPlanes(data, width, height, 1, 3);
  return { width, height, data: data.map((value, i) => value - coarse[i]!) };
}

/** A match in px of the picture itself. */
function pairOf({ members, map, similarity }: Match, width: number, scaleX: number, scaleY: number): MatchedPair {
  const points = members.map(i => pointOf(i, width));
  const whole = ({ x, y }: Point): Point => ({ x: Math.round(x * scaleX), y: Math.round(y * scaleY) });
  const { turn, scale, mirrored } = partsOf(map);
  const every = Math.max(1, Math.floor(points.length / 16));
  return {
    a: boxOf(points.map(whole)),
    b: boxOf(points.map(({ x, y }) => whole(mapPoint(map, x, y)))),
    matches: points
      .filter((_, i) => i % every === 0)
      .map(point => [whole(point), whole(mapPoint(map, point.x, point.y))] as const),
    similarity,
    area: Math.round(members.length * scaleX * scaleY),
    rotation: (turn * 180) / Math.PI,
    scale,
    mirrored,
  };
}

/** How the second place of a pair differs from the first, in words; none where it was only moved. */
function changesOf({ rotation, scale, mirrored }: MatchedPair): string[] {
  const turn = Math.round(rotation);
  return [
    ...(mirrored ? ['mirrored'] : []),
    ...(turn === 0 ? [] : [`turned by ${turn}°`]),
    ...(scale.toFixed(2) === '1.00' ? [] : [`scaled by ${scale.toFixed(2)}`]),
  ];
}

function boxOf(points: readonly Point[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points)
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
