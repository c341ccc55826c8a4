import {
  degrade,
  encodeJpeg,
  encodePng,
  encodeWebp,
  type Degradation,
  type Image,
  type Mask,
} from '@forgelens/imaging';

/** A picture as a file, how the file's name ends, and its mask. */
export interface PictureFile<M extends Mask | null> {
  readonly bytes: Uint8Array;
  readonly ending: Ending;
  readonly mask: M;
}

type Ending = 'jpg' | 'webp' | 'png';

/**
 * The file of a picture after a chain of degradations: decoded, it has the pixels that `degrade` gives. Where the chain
 * ends with a compression it is that compressed file itself, else a PNG.
 */
export async function encodePicture<M extends Mask | null>(
  image: Image,
  mask: M,
  chain: readonly Degradation[],
  seed: string,
): Promise<PictureFile<M>> {
  const ending = fileEnding(chain);
  const before = ending === 'png' ? chain : chain.slice(0, -1);
  const degraded = await degrade(image, mask, before, seed);
  const { value: quality, subsampling: chromaSubsampling } = chain.at(-1) ?? { value: 0 };
  const encode: Record<Ending, () => Promise<Uint8Array>> = {
    jpg: () => encodeJpeg(degraded.image, { quality, chromaSubsampling }),
    webp: () => encodeWebp(degraded.image, { quality }),
    png: () => encodePng(degraded.image),
  };
  return { bytes: await encode[ending](), ending, mask: degraded.mask };
}

/** A JPEG whose grid does not begin at the corner is part of a larger one: no file of its own. */
function fileEnding(chain: readonly Degradation[]): Ending {
  const last = chain.at(-1);
  if (last?.name === 'webp_quality') return 'webp';
  const isWhole = last?.grid === undefined || (last.grid[0] === 0 && last.grid[1] === 0);
  return last?.name === 'jpeg_quality' && isWhole ? 'jpg' : 'png';
}
