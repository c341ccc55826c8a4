import type { Evidence, Picture } from '@forgelens/evidence';
import type { DecodedImage } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging/pixels';
import { overlay } from '@forgelens/imaging/pixels';
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
  encodePng(image: Image): Promise<Uint8Array>;
  /** All evidence beside the network's map; `onProgress` is told how many kinds of how many are done. */
  examine(picture: Picture, onProgress: (done: number, total: number) => void): Promise<readonly Evidence[]>;
  /** Versions of what the numbers depend on, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a picture may have at most. */
export interface Limits {
  readonly maxPixels?: number;
  readonly maxFrames?: number;
}

export interface AnalyzeOptions {
  /** Pixels with a greater probability are flagged. */
  readonly threshold: number;
  /** Whether to look for evidence beside the network's map. */
  readonly evidence: boolean;
  /** The name, relative to the result, of the file that a picture of the result will be in. */
  readonly nameFile: (key: string) => string;
  readonly limits?: Limits;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the work where it can be ended, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How far the work is: how many of how many steps of a stage are done. */
export interface Progress {
  readonly stage: 'decode' | 'locate' | 'evidence' | 'draw';
  readonly done: number;
  readonly total: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A result, and its pictures as PNG by their key: what `nameFile` was asked with. */
export interface Analyzed {
  readonly analysis: Analysis;
  readonly pictures: Readonly<Record<string, Uint8Array>>;
}

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
  { threshold, evidence, nameFile, limits = {}, onProgress, signal }: AnalyzeOptions,
): Promise<Analyzed> {
  const startedAt = new Date();
  const { info } = localizer;
  const start = performance.now();
  onProgress?.({ stage: 'decode', done: 0, total: 1 });
  const image = await tools.decode(bytes, name, limits);
  const decoded = performance.now();
  const { width, height } = image;
  onProgress?.({ stage: 'locate', done: 0, total: 1 });
  const { probabilities, score, seen } = await localizer.locate(image, {
    signal,
    onProgress: (done, total) => onProgress?.({ stage: 'locate', done, total }),
  });
  const located = performance.now();

  signal?.throwIfAborted();
  const found = evidence
    ? await tools.examine({ path: name, bytes, image }, (done, total) =>
        onProgress?.({ stage: 'evidence', done, total }),
      )
    : null;
  const examined = performance.now();

  onProgress?.({ stage: 'draw', done: 0, total: 1 });
  const pictures: Record<string, Uint8Array> = {};
  const keep = async (key: string, png: Promise<Uint8Array>, size: Size) => {
    pictures[key] = await png;
    return { file: nameFile(key), sha256: await sha256Of(pictures[key]), width: size.width, height: size.height };
  };
  const maps = {
    map: await keep('map', tools.encodeMap(probabilities, width, height), image),
    overlay: await keep('overlay', tools.encodePng(overlay(image, probabilities, { threshold })), image),
  };
  const evidenceResults: EvidenceResult[] = [];
  for (const { id, map, boxes = [], pairs = [], table = null, ...rest } of found ?? [])
    evidenceResults.push({
      ...{ id, ...rest, boxes, pairs, table },
      map: map
        ? {
            ...(await keep(id, tools.encodeMap(map.values, map.width, map.height), map)),
            ...{ zero: map.zero, one: map.one },
          }
        : null,
    });

  const { format, orientation, decoder, ...stored } = image.source;
  const { weakening, notes } = describeOddities(image.source, seen);
  const analysis: Analysis = {
    schemaVersion,
    input: {
      name,
      sha256: await sha256Of(bytes),
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
    areaFraction: fractionAbove(probabilities, threshold),
    regions: findRegions(probabilities, width, height, threshold, minRegionAreaFraction),
    maps,
    evidence: found && evidenceResults,
    warnings: [...weakening, ...notes],
    limitations: [absenceIsNoProof, ...info.limitations],
    timing: {
      startedAt: startedAt.toISOString(),
      decodeMs: Math.round(decoded - start),
      locateMs: Math.round(located - decoded),
      evidenceMs: found && Math.round(examined - located),
      totalMs: Math.round(performance.now() - start),
    },
    software: { ...software, runsOn: { ...tools.versions } },
    licences: { software: softwareLicence, weights: info.licence },
  };
  return { analysis, pictures };
}

/** Whether a result says all that looking at the picture again would say. */
export const isSameWork = (
  earlier: Analysis,
  pictureSha256: string,
  { info }: Localizer,
  { threshold, evidence }: Pick<AnalyzeOptions, 'threshold' | 'evidence'>,
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
