/**
 * libvips in a browser, as WebAssembly: what `libvips.ts` has for Node, in the same versions, with the same pixels.
 *
 * It needs a cross-origin isolated page, and blocks its thread: use it in a worker. Whoever bundles it must put the
 * files of wasm-vips into a folder `vips/` beside the module that this becomes part of.
 */
import Vips from 'wasm-vips';
import type { Vips as OpenVips, VipsImage } from 'wasm-vips';
import wasm from 'wasm-vips/versions' with { type: 'json' };
import type { ChromaSubsampling } from './degradations.ts';
import type { Image } from './image.ts';
import type { Header, Layout, Levels } from './libvips.ts';

export const versions: Readonly<Record<string, string>> = { libvips: wasm.vips };

let opened: Promise<OpenVips> | null = null;

/** Loads libvips; else that is done when it is first needed. @throws {Error} when it cannot be loaded or run here */
export const openCodec = async (): Promise<void> => void (await (opened ??= open()));

async function open(): Promise<OpenVips> {
  const locateFile = (name: string) => new URL(`./vips/${name}`, import.meta.url).href;
  const mainScriptUrlOrBlob = locateFile('vips-es6.js');
  // What matters of warnings comes as an error, too.
  const preRun = ({ ENV }: { readonly ENV: Record<string, string> }) => void (ENV['VIPS_WARNING'] = 'none');
  const vips = await Vips({ dynamicLibraries: ['vips-heif.wasm'], locateFile, mainScriptUrlOrBlob, preRun });
  vips.Cache.max(0);
  vips.concurrency(1);
  return vips;
}

/** Lends out libvips, and frees the images that are named to `own` when the work is done or has failed. */
async function withVips<T>(work: (vips: OpenVips, own: (image: VipsImage) => VipsImage) => T): Promise<T> {
  const vips = await (opened ??= open());
  const images: VipsImage[] = [];
  const own = (image: VipsImage): VipsImage => {
    images.push(image);
    return image;
  };
  const freeAll = () => images.forEach(image => image.delete());
  try {
    const made = work(vips, own);
    freeAll();
    return made;
  } catch (error) {
    const reason = explained(error);
    // What is no plain error is a crash, mostly for want of memory. The next picture gets another libvips.
    if (reason instanceof Error && reason.name === 'Error') freeAll();
    else opened = null;
    throw reason;
  }
}

/** What libvips says is wrong. It throws exceptions of C++: a class and a text, whose first line names the operation. */
function explained(error: unknown): unknown {
  const { message } = error as { readonly message: unknown };
  if (!Array.isArray(message)) return error;
  return new Error(String(message[1]).split('\n').slice(1).join('\n').trim());
}

const intOf = (image: VipsImage, field: string, otherwise: number): number =>
  image.getTypeof(field) === 0 ? otherwise : image.getInt(field);

/** As sharp opens a file: of a HEIF with several pictures the primary one. */
function load(vips: OpenVips, bytes: Uint8Array, failOn: 'warning' | 'error', own: (image: VipsImage) => VipsImage) {
  const options = { access: 'sequential', fail_on: failOn };
  try {
    const first = own(vips.Image.newFromBuffer(bytes, '', options));
    const primary = intOf(first, 'heif-primary', 0);
    return primary === 0 ? first : own(vips.Image.newFromBuffer(bytes, '', { ...options, page: primary }));
  } catch (error) {
    const { message } = explained(error) as Error;
    const isUnknown = message.endsWith('buffer is not in a known format');
    throw new Error(
      isUnknown
        ? 'Input buffer contains unsupported image format'
        : `Input buffer has corrupt header: ${message}`.trim(),
      { cause: error },
    );
  }
}

export const readHeader = (bytes: Uint8Array): Promise<Header> =>
  withVips((vips, own) => {
    const image = load(vips, bytes, 'warning', own);
    const bitsPerSample = intOf(image, 'bits-per-sample', 0) || undefined;
    return {
      format: image
        .getString('vips-loader')
        .replace(/load.*/, '')
        .replace('uhdr', 'jpeg'),
      ...{ width: image.width, height: image.height, channels: image.bands, depth: image.format, bitsPerSample },
      orientation: intOf(image, 'orientation', 1) || 1,
      colourSpace: image.interpretation,
      hasAlpha: image.hasAlpha(),
      frames: intOf(image, 'n-pages', 1),
    };
  });

export const readPixels = (bytes: Uint8Array): Promise<Image> =>
  withVips((vips, own) => {
    let image = load(vips, bytes, 'error', own);
    if (intOf(image, 'orientation', 1) > 1) image = own(own(image.copyMemory()).autorot());
    if (image.interpretation === 'cmyk')
      image = own(image.iccTransform('srgb', { input_profile: 'cmyk', intent: 'perceptual' }));
    if (image.hasAlpha()) image = own(image.extractBand(0, { n: image.bands - 1 }));
    if (['rgb16', 'grey16'].includes(image.interpretation)) image = own(image.cast('ushort'));
    image = toColourSpace(image, 'srgb', own);
    return { width: image.width, height: image.height, data: samplesOf(image, 'uchar', own) as Uint8Array };
  });

export const readLevels = (bytes: Uint8Array, depth: 'uchar' | 'ushort'): Promise<Levels> =>
  withVips((vips, own) => {
    const image = toColourSpace(load(vips, bytes, 'error', own), depth === 'ushort' ? 'grey16' : 'b-w', own);
    return { width: image.width, height: image.height, levels: samplesOf(image, depth, own) };
  });

const toColourSpace = (image: VipsImage, space: string, own: (image: VipsImage) => VipsImage): VipsImage =>
  image.interpretation === space ? image : own(image.colourspace(space, { source_space: image.interpretation }));

function samplesOf(image: VipsImage, depth: 'uchar' | 'ushort', own: (image: VipsImage) => VipsImage) {
  return (image.format === depth ? image : own(image.cast(depth))).writeToMemory();
}

function imageOf(
  vips: OpenVips,
  samples: Uint8Array,
  { width, height, channels }: Layout,
  own: (image: VipsImage) => VipsImage,
): VipsImage {
  const image = own(vips.Image.newFromMemory(samples, width, height, channels, 'uchar'));
  return own(image.copy({ interpretation: channels === 3 ? 'srgb' : 'b-w' }));
}

export const writePng = (samples: Uint8Array, layout: Layout, compressionLevel: number): Promise<Uint8Array> =>
  withVips((vips, own) =>
    imageOf(vips, samples, layout, own).pngsaveBuffer({
      ...{ compression: compressionLevel, filter: 'none', bitdepth: 8, keep: 'none' },
    }),
  );

export const writeJpeg = (image: Image, quality: number, chromaSubsampling: ChromaSubsampling): Promise<Uint8Array> =>
  withVips((vips, own) =>
    imageOf(vips, image.data, { ...image, channels: 3 }, own).jpegsaveBuffer({
      Q: quality,
      subsample_mode: chromaSubsampling === '4:4:4' ? 'off' : 'on',
      optimize_coding: true,
      keep: 'none',
    }),
  );

export const writeWebp = (image: Image, quality: number): Promise<Uint8Array> =>
  withVips((vips, own) =>
    imageOf(vips, image.data, { ...image, channels: 3 }, own).webpsaveBuffer({ Q: quality, keep: 'none' }),
  );
