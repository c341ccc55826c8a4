import type { Image } from '@forgelens/imaging/pixels';
import type { Box, EvidenceMap, Finding, Point } from './evidence.ts';

/*
 * EXIF orientation: pixels are examined as they are stored, where a JPEG's blocks begin at the top left corner; what is
 * found is then turned with the picture. Exif 2.32 (2019), tag 0x0112.
 */

/** Of an orientation of 1–8: whether rows and columns change places, and which axes of the upright picture run backwards. */
const turns = [
  { swap: false, backX: false, backY: false },
  { swap: false, backX: true, backY: false },
  { swap: false, backX: true, backY: true },
  { swap: false, backX: false, backY: true },
  { swap: true, backX: false, backY: false },
  { swap: true, backX: true, backY: false },
  { swap: true, backX: true, backY: true },
  { swap: true, backX: false, backY: true },
] as const;

const turnOf = (orientation: number) => turns[orientation - 1] ?? turns[0];

/** Where the upright pixel (x, y) of a raster `width` × `height` as stored lies in it. */
function storedIndex(x: number, y: number, width: number, height: number, orientation: number): number {
  const { swap, backX, backY } = turnOf(orientation);
  const [across, down] = swap ? [height, width] : [width, height];
  const u = backX ? across - 1 - x : x;
  const v = backY ? down - 1 - y : y;
  return swap ? u * width + v : v * width + u;
}

/** The pixels as stored of an upright image. */
export function asStored(image: Image, orientation: number): Image {
  if (orientation === 1) return image;
  const { swap } = turnOf(orientation);
  const [width, height] = swap ? [image.height, image.width] : [image.width, image.height];
  const data = new Uint8Array(image.data.length);
  for (let y = 0, from = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++, from += 3) {
      const to = 3 * storedIndex(x, y, width, height, orientation);
      data[to] = image.data[from]!;
      data[to + 1] = image.data[from + 1]!;
      data[to + 2] = image.data[from + 2]!;
    }
  return { width, height, data };
}

/** What was found in the pixels as stored, `width` × `height` of them, in places of the upright picture. */
export function turnUpright(finding: Finding, width: number, height: number, orientation: number): Finding {
  if (orientation === 1) return finding;
  const { swap, backX, backY } = turnOf(orientation);
  const [across, down] = swap ? [height, width] : [width, height];
  const point = ({ x, y }: Point): Point => {
    const [u, v] = swap ? [y, x] : [x, y];
    return { x: backX ? across - 1 - u : u, y: backY ? down - 1 - v : v };
  };
  const box = ({ left, top, width: wide, height: high }: Box): Box => {
    const ends = [point({ x: left, y: top }), point({ x: left + wide - 1, y: top + high - 1 })] as const;
    return {
      left: Math.min(ends[0].x, ends[1].x),
      top: Math.min(ends[0].y, ends[1].y),
      width: swap ? high : wide,
      height: swap ? wide : high,
    };
  };
  // A picture that is mirrored, by itself or with its axes swapped, is turned the other way round.
  const mirrors = swap !== (backX !== backY);
  return {
    ...finding,
    ...(finding.map && { map: turnMap(finding.map, orientation) }),
    ...(finding.boxes && { boxes: finding.boxes.map(box) }),
    ...(finding.pairs && {
      pairs: finding.pairs.map(pair => ({
        ...pair,
        a: box(pair.a),
        b: box(pair.b),
        matches: pair.matches.map(([a, b]) => [point(a), point(b)] as const),
        rotation: mirrors ? -pair.rotation : pair.rotation,
      })),
    }),
  };
}

function turnMap(map: EvidenceMap, orientation: number): EvidenceMap {
  const { swap } = turnOf(orientation);
  const [width, height] = swap ? [map.height, map.width] : [map.width, map.height];
  const values = new Float32Array(map.values.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to++)
      values[to] = map.values[storedIndex(x, y, map.width, map.height, orientation)]!;
  return { ...map, width, height, values };
}
