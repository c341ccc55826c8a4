import { resizeImage, type Image } from '@forgelens/imaging';

/** What is kept of a picture to find its near duplicates: recompressed, resized and slightly changed ones. */
export interface Fingerprint {
  /** Whether each of 8 × 8 places is brighter than the next one to the right and the next one below: 128 bits. */
  readonly bits: Uint32Array;
  /** The picture in grey, 16 × 16. */
  readonly thumbnail: Uint8Array;
}

/** Bits of 128 in which near duplicates differ at most. Unrelated photographs differ in 64, rarely in fewer than 20. */
const maxDistance = 8;
/** What the correlation of their thumbnails is at least: bits alone take two plain pictures for one. */
const minCorrelation = 0.95;

/** Difference hash after Krawetz 2013, https://www.hackerfactor.com/blog/?/archives/529-Kind-of-Like-That.html, both ways. */
export function fingerprint(image: Image): Fingerprint {
  const small = grey(resizeImage(image, 9, 9));
  const bits = new Uint32Array(4);
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) {
      const [here, place] = [small[9 * y + x]!, 8 * y + x];
      if (here > small[9 * y + x + 1]!) bits[place >> 5]! |= 1 << (place & 31);
      if (here > small[9 * (y + 1) + x]!) bits[2 + (place >> 5)]! |= 1 << (place & 31);
    }
  return { bits, thumbnail: grey(resizeImage(image, 16, 16)) };
}

const grey = ({ data }: Image): Uint8Array =>
  Uint8Array.from({ length: data.length / 3 }, (_, i) =>
    Math.round(0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!),
  );

/**
 * All pairs of near duplicates, as indices i < j. Two hashes that differ in at most 8 bits agree in at least one of
 * nine parts: only pictures that share a part are compared, so the time grows little faster than their number.
 */
export function nearDuplicates(prints: readonly Fingerprint[]): [number, number][] {
  const found = new Map<string, [number, number]>();
  for (let part = 0; part <= maxDistance; part++) {
    const [from, to] = [
      Math.floor((128 * part) / (maxDistance + 1)),
      Math.floor((128 * (part + 1)) / (maxDistance + 1)),
    ];
    const shelves = new Map<number, number[]>();
    for (const [j, print] of prints.entries()) {
      const key = bitsBetween(print.bits, from, to);
      const shelf = shelves.get(key) ?? [];
      for (const i of shelf)
        if (distance(prints[i]!, print) <= maxDistance && correlation(prints[i]!, print) >= minCorrelation)
          found.set(`${i} ${j}`, [i, j]);
      shelf.push(j);
      shelves.set(key, shelf);
    }
  }
  return [...found.values()].sort(([a, b], [c, d]) => a - c || b - d);
}

function bitsBetween(bits: Uint32Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = (value << 1) | ((bits[i >> 5]! >>> (i & 31)) & 1);
  return value;
}

function distance(a: Fingerprint, b: Fingerprint): number {
  let count = 0;
  for (let i = 0; i < 4; i++) for (let x = a.bits[i]! ^ b.bits[i]!; x !== 0; x &= x - 1) count++;
  return count;
}

/** Pearson's, of the thumbnails; 1 for two pictures of one level each, which have none. */
function correlation({ thumbnail: a }: Fingerprint, { thumbnail: b }: Fingerprint): number {
  const mean = (values: Uint8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i]! - meanA, b[i]! - meanB];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  if (aa < a.length && bb < a.length) return Math.abs(meanA - meanB) < 2 ? 1 : 0;
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
