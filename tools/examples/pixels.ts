/**
 * What a careful forger does in a photo editor, as arithmetic: cut a hand-drawn outline out of one picture, move, turn
 * and scale it, fit its colours, and lay it over another with a feathered edge.
 */

/** RGB interleaved, row-major, 0–255 and not yet rounded. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** x to the right and y down, in px; the centre of the first pixel is (0, 0). */
export type Point = readonly [x: number, y: number];

/** One piece of `from`, laid over another picture. */
export interface Graft {
  /** Where the piece comes from: the donor of a splice; the picture itself for copy-move and removal. */
  readonly from: Picture;
  /** The piece, drawn in `from`. */
  readonly outline: readonly Point[];
  /** Width of the soft edge, in px of `from`, half of it on either side of the outline. */
  readonly feather: number;
  /** The point of `from` that lands on `to`, and about which the piece is mirrored, turned and scaled. */
  readonly anchor: Point;
  readonly to: Point;
  readonly scale?: number;
  readonly degrees?: number;
  readonly mirrored?: boolean;
  /** What red, green and blue are multiplied with, to fit the light of the other picture. */
  readonly gain?: readonly [r: number, g: number, b: number];
  /** What is then added to each of them, 0–255: light that fills the shadows. */
  readonly lift?: number;
  /** How much a pixel of `from` belongs to the object, [0, 1]: for objects too ragged to be drawn. */
  readonly key?: (r: number, g: number, b: number) => number;
  /** How much a pixel of the other picture lies behind the object, [0, 1]: for objects that are partly hidden. */
  readonly behind?: (r: number, g: number, b: number) => number;
  /** Adds the smooth field that makes the piece agree with its surroundings all along its edge. */
  readonly seamless?: boolean;
  /** With `seamless`: the part of the other picture that the piece need not agree with, since it shows something else. */
  readonly apart?: readonly Point[];
}

/** Signed distance to a polygon's edge in px, positive within (even-odd rule). */
export function distanceInto(outline: readonly Point[], [x, y]: Point): number {
  let nearest = Infinity;
  let within = false;
  for (const [i, [x1, y1]] of outline.entries()) {
    const [x0, y0] = outline.at(i - 1)!;
    const [ex, ey] = [x1 - x0, y1 - y0];
    const along = Math.min(1, Math.max(0, ((x - x0) * ex + (y - y0) * ey) / (ex * ex + ey * ey)));
    nearest = Math.min(nearest, Math.hypot(x - x0 - along * ex, y - y0 - along * ey));
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) * ex) / ey) within = !within;
  }
  return within ? nearest : -nearest;
}

/** How much a point belongs to an outline with a soft edge, [0, 1]. */
function coverage(outline: readonly Point[], feather: number, point: Point): number {
  for (const axis of [0, 1] as const)
    if (outline.every(p => p[axis] > point[axis] + feather) || outline.every(p => p[axis] < point[axis] - feather))
      return 0;
  return Math.min(1, Math.max(0, 0.5 + distanceInto(outline, point) / feather));
}

/** Bilinear, the border repeated outwards. */
function sample({ width, height, data }: Picture, [x, y]: Point, channel: number): number {
  const cx = Math.min(width - 1, Math.max(0, x));
  const cy = Math.min(height - 1, Math.max(0, y));
  const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
  const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
  const [fx, fy] = [cx - x0, cy - y0];
  const at = (px: number, py: number) => data[(py * width + px) * 3 + channel]!;
  return (at(x0, y0) * (1 - fx) + at(x1, y0) * fx) * (1 - fy) + (at(x0, y1) * (1 - fx) + at(x1, y1) * fx) * fy;
}

/** A picture being forged, and how much of each pixel came from elsewhere. */
export class Forgery {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
  /** [H·W], row-major: 0 is an untouched pixel, 1 one that is wholly replaced. */
  readonly touched: Float32Array;

  constructor(host: Picture) {
    this.width = host.width;
    this.height = host.height;
    this.data = host.data.slice();
    this.touched = new Float32Array(host.width * host.height);
  }

  graft({ from, outline, feather, anchor, to, key, behind, apart, ...options }: Graft): void {
    const { scale = 1, degrees = 0, mirrored = false, gain = [1, 1, 1], lift = 0, seamless = false } = options;
    const [cos, sin] = [Math.cos((degrees * Math.PI) / 180) / scale, Math.sin((degrees * Math.PI) / 180) / scale];
    const source = (x: number, y: number): Point => {
      const [dx, dy] = [x - to[0], y - to[1]];
      const across = dx * cos + dy * sin;
      return [anchor[0] + (mirrored ? -across : across), anchor[1] - dx * sin + dy * cos];
    };

    const alpha = new Float32Array(this.touched.length);
    const piece = new Float32Array(this.data.length);
    this.#each((pixel, x, y) => {
      const point = source(x, y);
      const covered = coverage(outline, feather, point);
      if (covered === 0) return;
      for (const c of [0, 1, 2]) piece[pixel * 3 + c] = sample(from, point, c) * gain[c]! + lift;
      const here = (c: number) => this.data[pixel * 3 + c]!;
      const there = (c: number) => sample(from, point, c);
      alpha[pixel] = covered * (key?.(there(0), there(1), there(2)) ?? 1) * (behind?.(here(0), here(1), here(2)) ?? 1);
    });
    if (seamless) this.#agree(piece, alpha, apart);
    this.#lay(piece, alpha);
  }

  /** Darkens an outline, as a shadow does: by `strength`, [0, 1], where it is deepest. */
  shade(outline: readonly Point[], feather: number, strength: number): void {
    const alpha = new Float32Array(this.touched.length);
    this.#each((pixel, x, y) => {
      alpha[pixel] = strength * coverage(outline, feather, [x, y]);
    });
    this.#lay(new Float32Array(this.data.length), alpha);
  }

  /** One byte a pixel, row-major, 255 where at least a tenth of the pixel came from elsewhere, else 0. */
  mask(): Uint8Array {
    return Uint8Array.from(this.touched, alpha => (alpha >= 0.1 ? 255 : 0));
  }

  #each(visit: (pixel: number, x: number, y: number) => void): void {
    for (let y = 0, pixel = 0; y < this.height; y++) for (let x = 0; x < this.width; x++, pixel++) visit(pixel, x, y);
  }

  #lay(piece: Float32Array, alpha: Float32Array): void {
    this.#each(pixel => {
      const a = alpha[pixel]!;
      for (let i = pixel * 3; i < pixel * 3 + 3; i++) this.data[i] = this.data[i]! * (1 - a) + piece[i]! * a;
      this.touched[pixel] = Math.max(this.touched[pixel]!, a);
    });
  }

  /**
   * Adds to the piece the membrane spanned by its edge: the field without Laplacian that, all around, equals what the
   * picture has there less what the piece has. Gauss–Seidel with overrelaxation.
   *
   * Pérez, Gangnet and Blake 2003, https://doi.org/10.1145/882262.882269.
   */
  #agree(piece: Float32Array, alpha: Float32Array, apart?: readonly Point[]): void {
    const { width, height } = this;
    const binds = (pixel: number) => !apart || distanceInto(apart, [pixel % width, Math.floor(pixel / width)]) < 0;
    const neighbours = (pixel: number) => {
      const [x, y] = [pixel % width, Math.floor(pixel / width)];
      const near = [];
      if (x > 0) near.push(pixel - 1);
      if (x < width - 1) near.push(pixel + 1);
      if (y > 0) near.push(pixel - width);
      if (y < height - 1) near.push(pixel + width);
      return near;
    };
    const pixels = [...alpha.keys()].filter(pixel => alpha[pixel]! > 0);
    // The edge is the outermost ring of the piece itself: there both pictures are known.
    const edge = new Set(pixels.filter(pixel => neighbours(pixel).some(near => alpha[near] === 0)));
    const inner = pixels.filter(pixel => !edge.has(pixel));
    const known = new Set(inner.concat([...edge].filter(binds)));
    const links = inner.map(pixel => neighbours(pixel).filter(near => known.has(near)));

    for (const c of [0, 1, 2]) {
      const field = new Float32Array(alpha.length);
      for (const pixel of edge) field[pixel] = this.data[pixel * 3 + c]! - piece[pixel * 3 + c]!;
      for (let sweep = 0; sweep < 600; sweep++)
        for (const [i, pixel] of inner.entries()) {
          let sum = 0;
          for (const near of links[i]!) sum += field[near]!;
          field[pixel] = field[pixel]! + 1.94 * (sum / links[i]!.length - field[pixel]!);
        }
      for (const pixel of pixels) piece[pixel * 3 + c] = piece[pixel * 3 + c]! + field[pixel]!;
    }
  }
}
