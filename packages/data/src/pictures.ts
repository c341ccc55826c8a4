import { readFile } from 'node:fs/promises';

import { readImage, readMask, type Image, type Mask } from '@forgelens/imaging';

import type { Sample } from './sample.ts';
import { readTruth } from './truth.ts';

/** The number of a segment, 0–255, for each pixel [H · W]. */
export interface Labels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

type Raster = Image | Mask | Labels;

/**
 * Pictures of files, decoded when first asked for and then kept, the latest used ones up to `maxBytes` of pixels. What
 * is kept is shared: nobody writes into it.
 */
export class Pictures {
  private readonly kept = new Map<string, Raster>();
  private readonly maxBytes: number;
  private bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** @throws {DataError} as `readImage`. */
  image(path: string): Promise<Image> {
    return this.keep(`image ${path}`, () => readImage(path));
  }

  /** What is tampered in a sample, whose picture is `image`. @throws {DataError} as `readTruth`. */
  truth(sample: Sample, image: Image): Promise<Mask> {
    return this.keep(`truth ${sample.image}`, () => readTruth(sample, image));
  }

  /** A mask of an object. @throws {DataError} as `readMask`. */
  mask(path: string): Promise<Mask> {
    return this.keep(`mask ${path}`, () => readMask(path));
  }

  /** Which segment each pixel of a photograph belongs to, as a picture's red channel says. @throws {DataError} as `readImage`. */
  labels(path: string): Promise<Labels> {
    return this.keep(`labels ${path}`, async () => {
      const { width, height, data } = await readImage(path);
      const labels = new Uint8Array(width * height);
      for (let i = 0; i < labels.length; i++) labels[i] = data[3 * i]!;
      return { width, height, data: labels };
    });
  }

  /** The text of a file; not kept. */
  text(path: string): Promise<string> {
    return readFile(path, 'utf8');
  }

  private async keep<R extends Raster>(key: string, read: () => Promise<R>): Promise<R> {
    const found = this.kept.get(key) as R | undefined;
    if (found !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, found);
      return found;
    }
    const raster = await read();
    this.kept.set(key, raster);
    this.bytes += raster.data.length;
    for (const [oldest, { data }] of this.kept) {
      if (this.bytes <= this.maxBytes) break;
      this.kept.delete(oldest);
      this.bytes -= data.length;
    }
    return raster;
  }
}
