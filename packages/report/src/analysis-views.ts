import type { Analysis } from '@forgelens/analysis';
import type { Image } from '@forgelens/imaging';
import { decodeImage, decodeMap16At, decodeOwn, encodeJpeg, mapColour, overlay, resizeImage } from '@forgelens/imaging';
import { toDataAddress } from './data-address.ts';

/** What a report shows of one picture, as `data:` addresses. */
export interface AnalysisViews {
  /** The picture itself; null where it is not at hand. */
  readonly picture: string | null;
  /** The map in colours, and the map over the picture. */
  readonly map: string;
  readonly overlay: string;
  /** Maps of evidence in colours, by the evidence's id. */
  readonly evidence: Readonly<Record<string, string>>;
}

/** The longer side of the large pictures and of evidence, px. */
const [largeSide, smallSide] = [1400, 760];

/** Makes the pictures of a report; see `makeAnalysisPage`. */
export async function makeAnalysisViews(
  { input, protocol, maps, evidence }: Analysis,
  readPicture: (file: string) => Uint8Array | Promise<Uint8Array>,
  original: Uint8Array | null,
): Promise<AnalysisViews> {
  const size = fit(input, largeSide);
  const image = original && resizeImage(await decodeImage(original, input.name), size.width, size.height);
  const values = await readMap(maps.map, size);
  const shown = image
    ? overlay(image, values, { threshold: protocol.threshold })
    : resizeImage(await decodeOwn(await readPicture(maps.overlay.file)), size.width, size.height);
  const shownEvidence: Record<string, string> = {};
  for (const { id, map } of evidence ?? [])
    if (map) {
      const cells = fit(map, smallSide);
      shownEvidence[id] = await jpeg(inColours(await readMap(map, cells), cells));
    }
  return {
    picture: image && (await jpeg(image)),
    map: await jpeg(inColours(values, size)),
    overlay: await jpeg(shown),
    evidence: shownEvidence,
  };

  async function readMap({ file }: { readonly file: string }, { width, height }: Size): Promise<Float32Array> {
    return decodeMap16At(await readPicture(file), file, width, height);
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A size of the same shape whose longer side is at most `side`. */
function fit({ width, height }: Size, side: number): Size {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function inColours(values: Float32Array, { width, height }: Size): Image {
  const colours = Array.from({ length: 256 }, (_, level) => mapColour(level / 255));
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < values.length; i++)
    data.set(colours[Math.round(255 * Math.min(Math.max(values[i]!, 0), 1))]!, 3 * i);
  return { width, height, data };
}

const jpeg = async (image: Image): Promise<string> =>
  toDataAddress('image/jpeg', await encodeJpeg(image, { quality: 84, chromaSubsampling: '4:4:4' }));
