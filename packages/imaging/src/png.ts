/** A picture that is written row by row, so that it need not be there as a whole. */
export interface PngRows {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 red, green and blue. */
  readonly channels: 1 | 3;
  /** Of a channel; the upper byte of 16 comes first. */
  readonly bits: 8 | 16;
  /** Fills in the bytes of row y. */
  readonly fill: (y: number, row: Uint8Array) => void;
}

const colourTypes = { 1: 0, 3: 2 } as const;
/** Rows are compressed together until they have so many bytes. */
const partBytes = 2 ** 18;

/**
 * A picture as a PNG. Memory is taken for no more than the file, though its buffer is as long as the file may become at
 * most: the rest of it was never touched.
 *
 * PNG (Third Edition), 2025, https://www.w3.org/TR/png-3/
 */
export async function writePngRows(picture: PngRows): Promise<Uint8Array> {
  const { width, height, channels, bits } = picture;
  const stride = 1 + width * channels * (bits / 8);
  // What cannot be compressed is stored, in pieces with a few bytes of their own.
  const file = new Uint8Array(stride * height + Math.ceil((stride * height) / 256) + 4096);
  const view = new DataView(file.buffer);
  file.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  let end = 8;
  const addChunk = (type: string, data: Uint8Array): void => {
    view.setUint32(end, data.length);
    for (let i = 0; i < 4; i++) file[end + 4 + i] = type.charCodeAt(i);
    file.set(data, end + 8);
    view.setUint32(end + 8 + data.length, crc32(file.subarray(end + 4, end + 8 + data.length)));
    end += 12 + data.length;
  };

  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([bits, colourTypes[channels]], 8);
  addChunk('IHDR', header);
  const compression = new CompressionStream('deflate');
  const writing = writeAll(filtered(picture, stride), compression.writable.getWriter());
  for (const reader = compression.readable.getReader(); ;) {
    const { done, value } = (await reader.read()) as { readonly done: boolean; readonly value: Uint8Array };
    if (done) break;
    addChunk('IDAT', value);
  }
  await writing;
  addChunk('IEND', new Uint8Array());
  return file.subarray(0, end);
}

/** Rows by the filter Sub: each byte less the one of the pixel before. */
function* filtered({ width, height, channels, bits, fill }: PngRows, stride: number): Generator<Part> {
  const step = channels * (bits / 8);
  const row = new Uint8Array(width * step);
  const rows = Math.max(1, Math.floor(partBytes / stride));
  for (let top = 0; top < height; top += rows) {
    const part = new Uint8Array(Math.min(rows, height - top) * stride);
    for (let first = 0, y = top; first < part.length; first += stride, y++) {
      fill(y, row);
      part[first] = 1;
      for (let i = 0; i < step; i++) part[first + 1 + i] = row[i]!;
      for (let i = step; i < row.length; i++) part[first + 1 + i] = row[i]! - row[i - step]!;
    }
    yield part;
  }
}

type Part = Uint8Array<ArrayBuffer>;

async function writeAll(
  parts: Iterable<Part>,
  writer: Pick<WritableStreamDefaultWriter<Part>, 'write' | 'close'>,
): Promise<void> {
  for (const part of parts) await writer.write(part);
  await writer.close();
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
