import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Random } from '@forgelens/autograd';
import { encodeJpeg, encodeMask, encodePng, gaussianBlur, type Image, type Mask } from '@forgelens/imaging';

import { polygonMask } from './regions.ts';

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

/** Writes files into a folder: pictures and masks are encoded by the file's extension. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | { image: Image } | { mask: Mask }>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), await encode(name, content));
  }
}

async function encode(name: string, content: string | { image: Image } | { mask: Mask }): Promise<string | Uint8Array> {
  if (typeof content === 'string') return content;
  if ('mask' in content) return encodeMask(content.mask);
  return name.endsWith('.jpg') ? encodeJpeg(content.image, { quality: 90 }) : encodePng(content.image);
}
