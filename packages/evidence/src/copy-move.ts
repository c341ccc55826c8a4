import { Random } from '@forgelens/autograd';
import { resizeImage } from '@forgelens/imaging/pixels';
import { circularHarmonics } from './circular-harmonics.ts';
import type { Box, Finding, MatchedPair, Point } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { mapped, matchedRegions, type RegionMatch } from './matched-regions.ts';
import { nearestField } from './nearest-field.ts';
import { luma } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** Larger pictures are scaled down to this many px first. */
const mostPixels = 2 ** 19;
/** Smaller pictures have no room for two places. In px. */
const leastSide = 64;
/** Copies nearer than this are not looked for, in px of the scaled picture. */
const leastDistance = 24;
/** Flatter surroundings match anything, in levels of 0–255. */
const leastContrast = 4;

/**
 * Copy-move: two places of the picture with the same content, as pairs. Each pixel's surroundings are described by numbers
 * that turning and mirroring do not change, the nearest neighbour of each is found, and regions are kept in which the
 * offsets follow a plane: a copy that was moved, turned, mirrored or scaled a little. What is left is laid over its match;
 * the fine structure of both must correlate. Map: the correlation at both places.
 *
 * Cozzolino, Poggi and Verdoliva 2015, "Efficient Dense-Field Copy–Move Forgery Detection",
 * https://doi.org/10.1109/TIFS.2015.2455334. Unlike the paper: circular harmonics in a Gaussian window in place of Zernike
 * moments, which costs a tenth; pictures over 2¹⁹ px are scaled down; a match is laid over its source as exactly as may
 * be and must correlate, which keeps photographs of repeating things quiet.
 */
export const copyMove: EvidenceKind = {
  id: 'copy-move',
  title: 'Copy-move matches',
  whatItShows: 'Two places of the picture that show the same, down to fine structure: one may be a copy of the other.',
  lookFor:
    'Matches of whole objects, or of ground laid over something. Natural things never repeat in every detail, so look whether noise and chance details agree, too.',
  ignore:
    'Things that repeat by themselves: windows, tiles, fabric, print, screens, drawings, reflections. Which of two places is the copy cannot be told. Copies that are small, of flat content, turned by about 45° or scaled by a half are mostly not found.',
  source: {
    text: 'Cozzolino, Poggi and Verdoliva 2015, Efficient Dense-Field Copy–Move Forgery Detection',
    url: 'https://doi.org/10.1109/TIFS.2015.2455334',
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
  const features = circularHarmonics(plane);
  const active = Uint8Array.from(features.contrast, value => (value >= leastContrast ? 1 : 0));
  const field = nearestField(features, active, leastDistance, new Random('copy-move'));
  const regions = matchedRegions(plane, active, field);

  const values = new Float32Array(width * height);
  for (const { members, map, similarity } of regions)
    for (const i of members) {
      values[i] = Math.max(values[i]!, similarity);
      const { x, y } = mapped(map, i % width, Math.floor(i / width));
      const [u, v] = [Math.round(x), Math.round(y)];
      if (u >= 0 && v >= 0 && u < width && v < height)
        values[v * width + u] = Math.max(values[v * width + u]!, similarity);
    }
  const pairs = regions.map(region => pairOf(region, width, image.width / width, image.height / height));
  const words = pairs.slice(0, 3).map(({ a, b, similarity }) => {
    const place = ({ left, top, width: wide, height: high }: Box) => `${wide}×${high} px at (${left}, ${top})`;
    return `${place(a)} and ${place(b)}, correlation ${similarity.toFixed(2)}`;
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

/** A match in px of the picture itself. */
function pairOf({ members, map, similarity }: RegionMatch, width: number, scaleX: number, scaleY: number): MatchedPair {
  const points = members.map((i): Point => ({ x: i % width, y: Math.floor(i / width) }));
  const [a, b, c, d] = map.linear;
  const at = ({ x, y }: Point): Point => mapped(map, x, y);
  const whole = ({ x, y }: Point): Point => ({ x: Math.round(x * scaleX), y: Math.round(y * scaleY) });
  const mirrored = a * d - b * c < 0;
  const turn = mirrored ? Math.atan2(-c, -a) : Math.atan2(c, a);
  const every = Math.max(1, Math.floor(points.length / 16));
  return {
    a: boxOf(points.map(whole)),
    b: boxOf(points.map(point => whole(at(point)))),
    matches: points.filter((_, i) => i % every === 0).map(point => [whole(point), whole(at(point))] as const),
    similarity,
    area: Math.round(members.length * scaleX * scaleY),
    rotation: (turn * 180) / Math.PI,
    scale: Math.sqrt(Math.abs(a * d - b * c)),
    mirrored,
  };
}

function boxOf(points: readonly Point[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points)
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
