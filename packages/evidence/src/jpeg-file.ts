/*
 * What a JPEG file says of itself, read strictly: no byte is believed before it is seen, no length is trusted.
 * ITU-T T.81 (1992), annex B, https://www.w3.org/Graphics/JPEG/itu-t81.pdf
 */

/** A quantization table: the divisors of the 64 DCT coefficients of a block. */
export interface QuantizationTable {
  /** 0–3, by which the components of the frame choose. */
  readonly id: number;
  /** 8 or 16 bits. */
  readonly precision: number;
  /** 64 divisors, 1–65535, row by row (not in zigzag order). */
  readonly values: Uint16Array;
}

/** A component of the frame: sampling factors and the table it is divided by. */
export interface JpegComponent {
  readonly id: number;
  readonly horizontal: number;
  readonly vertical: number;
  readonly table: number;
}

export interface JpegFrame {
  /** `baseline`, `extended`, `progressive`, `lossless` or `other`. */
  readonly process: string;
  /** Bits a sample. */
  readonly precision: number;
  readonly width: number;
  readonly height: number;
  readonly components: readonly JpegComponent[];
}

/** An application segment (APP0 to APP15) or a comment. */
export interface JpegSegment {
  /** `APP1`, `COM`. */
  readonly name: string;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  /** What follows the segment's length. */
  readonly data: Uint8Array;
}

/** Everything but the pixels of a JPEG. */
export interface JpegFile {
  readonly frame: JpegFrame | null;
  /** The first table of each id. */
  readonly tables: readonly QuantizationTable[];
  readonly segments: readonly JpegSegment[];
  readonly scans: number;
  /** Bytes behind the end of the picture. */
  readonly trailingBytes: number;
  /** What is broken, each a sentence. */
  readonly warnings: readonly string[];
}

/** Row-major place of the i-th coefficient in zigzag order. */
const zigzag = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
];

/** Of 0xC0 to 0xCF, those that begin a frame; 0xC4, 0xC8 and 0xCC mean other things. */
const processes: Readonly<Record<number, string>> = {
  0xc0: 'baseline',
  0xc1: 'extended',
  0xc2: 'progressive',
  0xc3: 'lossless',
  0xc5: 'other',
  0xc6: 'other',
  0xc7: 'other',
  0xc9: 'other',
  0xca: 'other',
  0xcb: 'other',
  0xcd: 'other',
  0xce: 'other',
  0xcf: 'other',
};

/** Reads the markers of a JPEG; null when the bytes do not begin as one. A broken file is read as far as it goes. */
export function parseJpeg(bytes: Uint8Array): JpegFile | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const warnings: string[] = [];
  const tables: QuantizationTable[] = [];
  const segments: JpegSegment[] = [];
  let frame: JpegFrame | null = null;
  let scans = 0;
  let at = 2;
  const done = () => ({ frame, tables, segments, scans, trailingBytes: Math.max(0, bytes.length - at), warnings });

  while (at < bytes.length) {
    if (bytes[at] !== 0xff) {
      const next = bytes.indexOf(0xff, at);
      warnings.push(`Byte ${at} should begin a JPEG marker and does not.`);
      if (next < 0) break;
      at = next;
    }
    while (bytes[at + 1] === 0xff) at++; // fill bytes
    const offset = at;
    const marker = bytes[at + 1];
    at += 2;
    if (marker === undefined) break;
    if (marker === 0xd9) return done();
    if (marker === 0x00 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue; // stand alone
    const length = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (length < 2 || at + length > bytes.length) {
      warnings.push(`The JPEG segment at byte ${offset} says ${length} bytes, but ${bytes.length - at} are left.`);
      at = bytes.length;
      return done();
    }
    const data = bytes.subarray(at + 2, at + length);
    at += length;
    if (marker === 0xdb) readTables(data, offset, tables, warnings);
    else if (marker in processes) {
      const read = readFrame(data, processes[marker]!);
      if (read === null) warnings.push(`The JPEG frame header at byte ${offset} is broken.`);
      frame ??= read;
    } else if (marker >= 0xe0 && marker <= 0xef) segments.push({ name: `APP${marker - 0xe0}`, offset, data });
    else if (marker === 0xfe) segments.push({ name: 'COM', offset, data });
    else if (marker === 0xda) {
      scans++;
      at = skipScan(bytes, at);
    }
  }
  warnings.push('The JPEG ends without an end-of-image marker: it was cut off.');
  return done();
}

/** Where the next marker stands behind entropy-coded data, in which 0xFF is followed by 0 or a restart marker. */
function skipScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}

function readTables(data: Uint8Array, offset: number, tables: QuantizationTable[], warnings: string[]): void {
  for (let at = 0; at < data.length;) {
    const wide = data[at]! >> 4;
    const id = data[at]! & 15;
    const size = 64 * (wide + 1);
    if (wide > 1 || id > 3 || at + 1 + size > data.length) {
      warnings.push(`The quantization tables at byte ${offset} are broken.`);
      return;
    }
    const values = new Uint16Array(64);
    for (let i = 0; i < 64; i++) {
      const place = at + 1 + i * (wide + 1);
      values[zigzag[i]!] = wide ? data[place]! * 256 + data[place + 1]! : data[place]!;
    }
    if (values.includes(0)) warnings.push(`Quantization table ${id} at byte ${offset} divides by 0.`);
    if (!tables.some(table => table.id === id)) tables.push({ id, precision: 8 * (wide + 1), values });
    at += 1 + size;
  }
}

function readFrame(data: Uint8Array, process: string): JpegFrame | null {
  const count = data[5] ?? 0;
  if (count === 0 || data.length < 6 + 3 * count) return null;
  return {
    process,
    precision: data[0]!,
    height: data[1]! * 256 + data[2]!,
    width: data[3]! * 256 + data[4]!,
    components: Array.from({ length: count }, (_, i) => {
      const [id, sampling, table] = data.subarray(6 + 3 * i, 9 + 3 * i) as unknown as [number, number, number];
      return { id, horizontal: sampling >> 4, vertical: sampling & 15, table };
    }),
  };
}
