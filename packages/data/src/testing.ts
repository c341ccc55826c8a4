import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';

import { Random, Tensor, writeNpy } from '@forgelens/autograd';
import { encodeJpeg, encodeMask, encodePng, gaussianBlur, type Image, type Mask } from '@forgelens/imaging';

import { polygonMask } from './synthesis/regions.ts';

/** A made-up photograph: blurred noise in a colour of its own, with grain. */
export function photograph(seed: number, width: number, height: number): Image {
  const random = new Random(seed).fork('photograph');
  const tint = [random.uniform(60, 190), random.uniform(60, 190), random.uniform(60, 190)];
  const rough = Uint8Array.from({ length: width * height * 3 }, (_, i) => tint[i % 3]! + random.uniform(-60, 60));
  const { data } = gaussianBlur({ width, height, data: rough }, 1);
  return { width, height, data };
}

/** A triangle about the middle. */
export const triangle = (width: number, height: number): Mask =>
  polygonMask([0.3 * width, 0.3 * height, 0.7 * width, 0.4 * height, 0.45 * width, 0.75 * height], width, height);

/** What a file holds: text, bytes, or a picture to encode. */
type Content = string | Uint8Array | { image: Image } | { mask: Mask };

/** Writes files into a folder: pictures and masks are encoded by the file's extension. */
export async function writeFiles(folder: string, files: Readonly<Record<string, Content>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), await encode(name, content));
  }
}

async function encode(name: string, content: Content): Promise<string | Uint8Array> {
  if (typeof content === 'string' || content instanceof Uint8Array) return content;
  if ('mask' in content) return encodeMask(content.mask);
  return name.endsWith('.jpg') ? encodeJpeg(content.image, { quality: 90 }) : encodePng(content.image);
}

/** An archive as `numpy.savez_compressed(file, array)` writes it, less what readers do not look at. */
export function npz(shape: readonly number[], values: readonly number[]): Uint8Array {
  const stored = deflateRawSync(writeNpy(new Tensor('uint8', shape, Uint8Array.from(values))));
  const name = new TextEncoder().encode('arr_0.npy');
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10); // deflated
  central.writeUInt32LE(stored.length, 20);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length + name.length + stored.length, 16);
  return Buffer.concat([local, name, stored, central, name, end]);
}

export * from './testing/plant-defects.ts';
