import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image, Mask } from '@forgelens/imaging';
import { encodeJpeg, encodeMask, overlay, resizeImage, resizeMask, resizePlanes } from '@forgelens/imaging';
import type { RunFolder } from './run-folder.ts';
import { cannotWrite, makeFolder, writeAtomically } from './write-file.ts';

/** A validation picture, what is true of it, and what was found in it: all of one size. */
export interface View {
  readonly image: Image;
  readonly truth: Mask;
  /** [H·W], in [0, 1]. */
  readonly probabilities: Float32Array;
}

/** The small pictures that a run folder has of one view: JPEG, the truth as PNG. */
export interface StoredView {
  readonly picture: Uint8Array;
  readonly truth: Uint8Array;
  /** The map over the picture, after each validation. */
  readonly maps: readonly { readonly step: number; readonly map: Uint8Array }[];
}

/** The longer side of the small pictures, px. */
const longest = 240;
const samplesFolder = 'samples';

/** Keeps a small picture of a view, its truth, and the map over it after a step, in `samples/`. */
export async function saveView(
  folder: RunFolder,
  number: number,
  step: number,
  { image, truth, probabilities }: View,
): Promise<void> {
  const path = folder.file(samplesFolder);
  try {
    makeFolder(path);
  } catch (error) {
    throw cannotWrite(path, error);
  }
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map(side => Math.max(1, Math.round(side * scale))) as [
    number,
    number,
  ];
  const small = resizeImage(image, width, height);
  const write = async (what: string, bytes: Uint8Array) => writeAtomically(join(path, `${number}-${what}`), bytes);
  if (!existsSync(join(path, `${number}-truth.png`))) {
    await write('picture.jpg', await encodeJpeg(small, { quality: 80 }));
    await write('truth.png', await encodeMask(resizeMask(truth, width, height)));
  }
  const map = resizePlanes(probabilities, { width: image.width, height: image.height, channels: 1 }, width, height);
  await write(`map-${step}.jpg`, await encodeJpeg(overlay(small, map), { quality: 80 }));
}

/** The views of a run, in the order of the samples. */
export async function readViews(folder: RunFolder): Promise<StoredView[]> {
  const path = folder.file(samplesFolder);
  const names: readonly string[] = await readdir(path).catch(() => []);
  const views: StoredView[] = [];
  for (let number = 0; names.includes(`${number}-truth.png`); number++) {
    const steps = names
      .flatMap(name => {
        const [, of, step] = /^(\d+)-map-(\d+)\.jpg$/.exec(name) ?? [];
        return Number(of) === number ? [Number(step)] : [];
      })
      .sort((a, b) => a - b);
    const read = (what: string) => readFile(join(path, `${number}-${what}`));
    views.push({
      picture: await read('picture.jpg'),
      truth: await read('truth.png'),
      maps: await Promise.all(steps.map(async step => ({ step, map: await read(`map-${step}.jpg`) }))),
    });
  }
  return views;
}
