import type { Evidence, Picture } from '@forgelens/evidence';
import type { DecodedImage } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging/pixels';
import { absenceIsNoProof, findRegions, software } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import { describeOddities, findingOf } from './finding.ts';
import type { Analysis, EvidenceResult } from './result.ts';
import { schemaVersion } from './result.ts';

/** Regions smaller than this fraction of the picture are left out of the list; the maps show them. */
const minRegionAreaFraction = 0.001;

/** The terms of the program itself. */
const softwareLicence = 'Apache-2.0';

/** What is not arithmetic. `@forgelens/analysis/node` has it for Node; a browser brings its own. */
export interface Tools {
  /** @throws {DataError} when the bytes are not a picture, or it is larger than allowed */
  decode(bytes: Uint8Array, path: string, limits: Limits): Promise<DecodedImage>;
  /** Probabilities [H·W] in [0, 1] as a 16-bit grey PNG. */
  encodeMap(probabilities: Float32Array, width: number, height: number): Promise<Uint8Array>;
  /** The map over the picture, with a line around what is above the threshold, as a PNG. */
  encodeOverlay(image: Image, probabilities: Float32Array, threshold: number): Promise<Uint8Array>;
  /** All evidence beside the network's map; before each kind, `onProgress` is told how many of how many are done. */
  examine(picture: Picture, onProgress: (done: number, total: number) => Promise<void>): Promise<readonly Evidence[]>;
  /** SHA-256 in hexadecimal. */
  hash(bytes: Uint8Array): Promise<string>;
  /** Versions of what the numbers depend on, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a picture may have at most. */
export interface Limits {
  readonly maxPixels?: number;
  readonly maxFrames?: number;
}

export interface AnalyzeOptions {
  /** Pixels with a greater probability are flagged; 0.5 unless given. */
  readonly threshold?: number;
  /** Whether to look for evidence beside the network's map, as is done unless told otherwise. */
  readonly evidence?: boolean;
  /** The name, relative to the result, of the file that a picture of the result will be in; `<key>.png` unless given. */
  readonly nameFile?: (key: string) => string;
  /**
   * Takes each picture of the result when it is made, with its name. They are not kept, then: together they may be larger
   * than all else of a huge picture.
   */
  readonly savePicture?: (file: string, png: Uint8Array) => Promise<void>;
  readonly limits?: Limits;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the work where it can be ended, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How far the work is: how many of how many steps of a stage are done. */
export interface Progress {
  readonly stage: 'decode' | 'locate' | 'draw' | 'evidence';
  readonly done: number;
  readonly total: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Analyzed {
  readonly analysis: Analysis;
  /** The result's pictures as PNG by their key: what `nameFile` was asked with. Empty where `savePicture` took them. */
  readonly pictures: Readonly<Record<string, Uint8Array>>;
}

const defaults = { threshold: 0.5, evidence: true, nameFile: (key: string) => `${key}.png` };

/**
 * Looks at one picture.
 *
 * @param bytes - of the file, as they came
 * @param name - the picture's name in the result and in error messages
 * @throws {DataError} when the bytes are not a picture
 */
export async function analyzeWith(
  tools: Tools,
  bytes: Uint8Array,
  name: string,
  localizer: Localizer,
  given: AnalyzeOptions = {},
): Promise<Analyzed> {
  const options = { ...defaults, ...given };
  const { threshold, evidence, nameFile, savePicture, limits = {}, onProgress, signal } = options;
  const startedAt = new Date();
  const { info } = localizer;
  const start = performance.now();
  onProgress?.({ stage: 'decode', done: 0, total: 1 });
  const image = await tools.decode(bytes, name, limits);
  const decoded = performance.now();
  signal?.throwIfAborted();

  const pictures: Record<string, Uint8Array> = {};
  const keep: Keep = async (key, png, { width, height }) => {
    const [file, made] = [nameFile(key), await png];
    const sha256 = await tools.hash(made);
    if (savePicture) await savePicture(file, made);
    else pictures[key] = made;
    signal?.throwIfAborted();
    return { file, sha256, width, height };
  };
  const { seen, locateMs, score, ...found } = await locateAndDraw(tools, image, localizer, options, keep);
  const drawn = performance.now();
  const examined = evidence ? await examineWith(tools, { path: name, bytes, image }, options, keep) : null;
  const evidenceMs = evidence ? Math.round(performance.now() - drawn) : null;

  const { width, height } = image;
  const { format, orientation, decoder, ...stored } = image.source;
  const { weakening, notes } = describeOddities(image.source, seen);
  const analysis: Analysis = {
    schemaVersion,
    input: {
      name,
      sha256: await tools.hash(bytes),
      bytes: bytes.length,
      ...{ format, decoder, width, height, orientation, stored },
    },
    model: { id: info.id, version: info.version, name: info.name, weightsSha256: info.weightsSha256 },
    protocol: { threshold, minRegionAreaFraction },
    preprocessing: { input: info.input, sizePolicy: info.sizePolicy, ...seen },
    score: {
      value: score,
      rule: info.scoreRule,
      operatingPoint: info.operatingPoint,
      finding: findingOf(score, info.operatingPoint, weakening),
    },
    ...found,
    evidence: examined,
    warnings: [...weakening, ...notes],
    limitations: [absenceIsNoProof, ...info.limitations],
    timing: {
      startedAt: startedAt.toISOString(),
      decodeMs: Math.round(decoded - start),
      locateMs,
      evidenceMs,
      totalMs: Math.round(performance.now() - start),
    },
    software: { ...software, runsOn: { ...tools.versions } },
    licences: { software: softwareLicence, weights: info.licence },
  };
  return { analysis, pictures };
}

/** Names a picture of the result, and sees to it that it is kept. */
type Keep = (key: string, png: Promise<Uint8Array>, size: Size) => Promise<Analysis['maps']['map']>;

/** What comes of the network's map. The map itself, the largest thing of all, is gone when this is done. */
async function locateAndDraw(
  tools: Tools,
  image: Image,
  localizer: Localizer,
  { threshold, onProgress, signal }: AnalyzeOptions & typeof defaults,
  keep: Keep,
) {
  const start = performance.now();
  const { width, height } = image;
  onProgress?.({ stage: 'locate', done: 0, total: 1 });
  const { probabilities, score, seen } = await localizer.locate(image, {
    signal,
    onProgress: (done, total) => onProgress?.({ stage: 'locate', done, total }),
  });
  const locateMs = Math.round(performance.now() - start);
  signal?.throwIfAborted();
  onProgress?.({ stage: 'draw', done: 0, total: 2 });
  const areaFraction = fractionAbove(probabilities, threshold);
  const regions = findRegions(probabilities, width, height, threshold, minRegionAreaFraction);
  const map = await keep('map', tools.encodeMap(probabilities, width, height), image);
  onProgress?.({ stage: 'draw', done: 1, total: 2 });
  const overlay = await keep('overlay', tools.encodeOverlay(image, probabilities, threshold), image);
  return {
    ...{ score, seen, locateMs, areaFraction, regions },
    maps: { map, overlay },
  };
}

async function examineWith(
  tools: Tools,
  picture: Picture,
  { onProgress, signal }: AnalyzeOptions,
  keep: Keep,
): Promise<EvidenceResult[]> {
  const tell = async (done: number, total: number) => {
    onProgress?.({ stage: 'evidence', done, total });
    // Kinds compute for seconds: whoever wants to end the work must have a turn between them.
    await new Promise(resolve => setTimeout(resolve));
    signal?.throwIfAborted();
  };
  const results: EvidenceResult[] = [];
  for (const { id, map, boxes = [], pairs = [], table = null, ...rest } of await tools.examine(picture, tell))
    results.push({
      ...{ id, ...rest, boxes, pairs, table },
      map: map
        ? {
            ...(await keep(id, tools.encodeMap(map.values, map.width, map.height), map)),
            ...{ zero: map.zero, one: map.one },
          }
        : null,
    });
  return results;
}

/** Whether a result says all that looking at the picture again would say. */
export const isSameWork = (
  earlier: Analysis,
  pictureSha256: string,
  { info }: Localizer,
  { threshold, evidence }: Pick<typeof defaults, 'threshold' | 'evidence'>,
): boolean =>
  earlier.input.sha256 === pictureSha256 &&
  earlier.model.id === info.id &&
  earlier.model.weightsSha256 === info.weightsSha256 &&
  earlier.preprocessing.sizePolicy === info.sizePolicy &&
  earlier.protocol.threshold === threshold &&
  (earlier.evidence !== null) === evidence &&
  earlier.software.version === software.version;

/** SHA-256 of bytes, in hexadecimal. */
export const sha256Of = async (bytes: Uint8Array): Promise<string> =>
  Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

function fractionAbove(probabilities: Float32Array, threshold: number): number {
  let above = 0;
  for (let i = 0; i < probabilities.length; i++) if (probabilities[i]! > threshold) above++;
  return above / probabilities.length;
}
