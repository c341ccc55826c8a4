import { crc32 } from 'node:zlib';
import type { Random } from '@forgelens/autograd';

/** A stretch of a file, with the number in it that says how long it is. */
interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly length: { readonly at: number; readonly bytes: 2 | 4; readonly isLittle: boolean };
}

const ascii = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The segments of a JPEG up to its scan, the chunks of a PNG or a WebP; of other formats nothing. */
export function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = viewOf(bytes);
  const chunks: Chunk[] = [];
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at = chunks.at(-1)!.end)
      chunks.push({
        ...{ start: at, end: at + 2 + view.getUint16(at + 2) },
        length: { at: at + 2, bytes: 2, isLittle: false },
      });
  } else if (ascii(bytes, 1, 4) === 'PNG') {
    for (let at = 8; at + 12 <= bytes.length; at = chunks.at(-1)!.end)
      chunks.push({ start: at, end: at + 12 + view.getUint32(at), length: { at, bytes: 4, isLittle: false } });
  } else if (ascii(bytes, 0, 4) === 'RIFF') {
    for (let at = 12; at + 8 <= bytes.length; at = chunks.at(-1)!.end) {
      const size = view.getUint32(at + 4, true);
      chunks.push({
        ...{ start: at, end: at + 8 + size + (size % 2) },
        length: { at: at + 4, bytes: 4, isLittle: true },
      });
    }
  }
  return chunks.filter(({ end }) => end <= bytes.length);
}

/** Makes the checksums of a PNG right again, so that decoders read on. */
function mendChecksums(bytes: Uint8Array): void {
  if (ascii(bytes, 1, 4) !== 'PNG') return;
  for (const { start, end } of chunksOf(bytes))
    viewOf(bytes).setUint32(end - 4, crc32(bytes.subarray(start + 4, end - 4)));
}

const oddNumbers = [0, 1, 2, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff];

function write(bytes: Uint8Array, { at, bytes: size, isLittle }: Chunk['length'], value: number): void {
  if (size === 2) viewOf(bytes).setUint16(at, value & 0xffff, isLittle);
  else viewOf(bytes).setUint32(at, value >>> 0, isLittle);
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(0, items.length)]!;

/** An early place is where a file says what it is. */
const place = (random: Random, length: number): number =>
  random.integer(0, random.uniform() < 0.5 ? Math.min(length, 512) : length);

/** Gives new bytes; `other` is another file. */
type Mutation = (bytes: Uint8Array, other: Uint8Array, random: Random) => Uint8Array;

function splice(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const head = bytes.subarray(0, random.integer(0, bytes.length));
  return new Uint8Array(Buffer.concat([head, other.subarray(random.integer(0, other.length))]));
}

/** What can be done to a file. */
export const mutations = {
  'flip bits'(bytes, _, random) {
    const flipped = bytes.slice();
    for (let n = random.integer(1, 33); n > 0; n--) flipped[place(random, bytes.length)]! ^= 1 << random.integer(0, 8);
    return flipped;
  },
  truncate: (bytes, _, random) => bytes.slice(0, random.integer(0, bytes.length)),
  splice,
  'edit lengths'(bytes, _, random) {
    const edited = bytes.slice();
    const chunks = chunksOf(bytes);
    const isLittle = ascii(bytes, 0, 2) === 'II' || ascii(bytes, 0, 3) === 'GIF';
    for (let n = random.integer(1, 4); n > 0; n--) {
      const anywhere = { at: place(random, bytes.length - 4), bytes: pick(random, [2, 4] as const), isLittle };
      const length = chunks.length > 0 && random.uniform() < 0.5 ? pick(random, chunks).length : anywhere;
      write(edited, length, pick(random, oddNumbers));
    }
    return edited;
  },
  'swap chunks'(bytes, other, random) {
    const chunks = chunksOf(bytes);
    if (chunks.length < 2) return splice(bytes, other, random);
    const parts = chunks.map(({ start, end }) => bytes.subarray(start, end));
    const [a, b] = [random.integer(0, parts.length), random.integer(0, parts.length)];
    [parts[a], parts[b]] = [parts[b]!, parts[a]!];
    return new Uint8Array(
      Buffer.concat([bytes.subarray(0, chunks[0]!.start), ...parts, bytes.subarray(chunks.at(-1)!.end)]),
    );
  },
  repeat(bytes, _, random) {
    const start = random.integer(0, bytes.length);
    const part = bytes.subarray(start, start + random.integer(1, 2000));
    const copies = Array.from({ length: random.integer(1, 20) }, () => part);
    return new Uint8Array(Buffer.concat([bytes.subarray(0, start), ...copies, bytes.subarray(start)]));
  },
} satisfies Record<string, Mutation>;

export interface Mutant {
  /** What was done to what. */
  readonly label: string;
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** The mutation of a number: always the same for the same seed. */
export function mutantOf(index: number, seeds: ReadonlyMap<string, Uint8Array>, random: Random): Mutant {
  const draw = random.fork(index);
  const [name, bytes] = pick(draw, [...seeds]);
  const [, other] = pick(draw, [...seeds]);
  const kinds = Object.keys(mutations) as (keyof typeof mutations)[];
  const kind = pick(draw, kinds);
  const mutated = mutations[kind](bytes, other, draw);
  if (draw.uniform() < 0.5) mendChecksums(mutated);
  return { label: `${index}: ${kind} of ${name}`, kind, bytes: mutated };
}
