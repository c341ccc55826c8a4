import { createHash } from 'node:crypto';
import { decodeImage, encodeMap16, encodePng, overlay } from '@forgelens/imaging';
import type { ImageSource } from '@forgelens/imaging';
import { absenceIsNoProof, findRegions, software } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import { z } from 'zod';

/** The version of the result's form. It is raised when a field changes its meaning or goes. */
const schemaVersion = 1;

/** Regions smaller than this fraction of the picture are left out of the list; the maps show them. */
const minRegionAreaFraction = 0.001;

/** Below this many pixels on the shorter side there is too little of a picture to tell traces from noise. */
const smallestSide = 64;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const probability = z.number().min(0).max(1);

/** The result of looking at one picture: everything that is needed to understand it and to repeat it. */
export const analysisSchema = z.object({
  schemaVersion: z.literal(schemaVersion),
  input: z.object({
    path: z.string(),
    sha256,
    bytes: z.int(),
    format: z.string(),
    /** Of the pixels that were looked at: after the orientation. */
    width: z.int(),
    height: z.int(),
    /** EXIF orientation, 1–8. */
    orientation: z.int(),
  }),
  model: z.object({ id: z.string(), version: z.string(), weightsSha256: sha256, licence: z.string() }),
  preprocessing: z.object({ input: z.string(), sizePolicy: z.string() }),
  /** Of the picture as a whole. It is not a probability that the picture was tampered with. */
  score: probability,
  scoreRule: z.string(),
  threshold: probability,
  /** The fraction of the picture that lies above the threshold. */
  areaFraction: probability,
  minRegionAreaFraction: probability,
  regions: z.array(
    z.object({
      bbox: z.tuple([z.int(), z.int(), z.int(), z.int()]).readonly(),
      area: z.int(),
      meanScore: probability,
      polygon: z.array(z.tuple([z.number(), z.number()]).readonly()).readonly(),
    }),
  ),
  /** File names, beside this result. */
  maps: z.object({ map: z.string(), overlay: z.string() }),
  /** What was odd about this picture. */
  warnings: z.array(z.string()),
  /** What holds for every result of this model. */
  limitations: z.array(z.string()),
  timingMs: z.object({ decode: z.number(), locate: z.number() }),
  software: z.object({ name: z.string(), version: z.string() }),
});

export type Analysis = z.infer<typeof analysisSchema>;

/** The analysis in a JSON text; null when the text is something else. */
export function parseAnalysis(text: string): Analysis | null {
  try {
    return analysisSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** An analysis as JSON text for people: each point and box on one line. */
export const formatAnalysis = (analysis: Analysis): string =>
  // The line break after the bracket cannot be within a string of JSON.
  JSON.stringify(analysis, null, 2).replaceAll(
    /\[\n\s*([\d.]+(?:,\s+[\d.]+)*)\s+\]/g,
    (_, numbers: string) => `[${numbers.replaceAll(/\s+/g, ' ')}]`,
  ) + '\n';

/** SHA-256 of bytes, in hexadecimal. */
export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Whether a result says all that looking at the picture again would say. */
export const isSameWork = (earlier: Analysis, pictureSha256: string, { info }: Localizer, threshold: number): boolean =>
  earlier.input.sha256 === pictureSha256 &&
  earlier.model.id === info.id &&
  earlier.model.weightsSha256 === info.weightsSha256 &&
  earlier.threshold === threshold &&
  earlier.software.version === software.version;

/**
 * Looks at one picture.
 *
 * @param path - the picture's name in the result and in error messages
 * @param maps - the file names of the pictures, for the result
 * @returns the result, and its pictures as PNG: the map in 16 bits, and the map over the picture
 * @throws {DataError} when the bytes are not a picture
 */
export async function analyzePicture(
  bytes: Uint8Array,
  path: string,
  localizer: Localizer,
  threshold: number,
  maps: Analysis['maps'],
): Promise<{ analysis: Analysis; map: Uint8Array; overlay: Uint8Array }> {
  const { info } = localizer;
  const start = performance.now();
  const image = await decodeImage(bytes, path);
  const decoded = performance.now();
  const { width, height, probabilities, score } = await localizer.locate(image);
  const located = performance.now();

  let flagged = 0;
  for (const probability of probabilities) if (probability > threshold) flagged++;
  const analysis: Analysis = {
    schemaVersion,
    input: {
      path,
      sha256: hash(bytes),
      bytes: bytes.length,
      format: image.source.format,
      width,
      height,
      orientation: image.source.orientation,
    },
    model: { id: info.id, version: info.version, weightsSha256: info.weightsSha256, licence: info.licence },
    preprocessing: { input: info.input, sizePolicy: info.sizePolicy },
    score,
    scoreRule: info.scoreRule,
    threshold,
    areaFraction: flagged / probabilities.length,
    minRegionAreaFraction,
    regions: findRegions(probabilities, width, height, threshold, minRegionAreaFraction),
    maps,
    warnings: describeOddities(image.source),
    limitations: [absenceIsNoProof, ...info.limitations],
    timingMs: { decode: Math.round(decoded - start), locate: Math.round(located - decoded) },
    software,
  };
  return {
    analysis,
    map: await encodeMap16(probabilities, width, height),
    overlay: await encodePng(overlay(image, probabilities, { threshold })),
  };
}

/** What about a file makes its result less sure, or its pixels other than the file's. */
function describeOddities({ width, height, orientation, bitDepth, hasAlpha, colourSpace }: ImageSource): string[] {
  const odd: [boolean, string][] = [
    [
      Math.min(width, height) < smallestSide,
      `The picture is only ${width}×${height} pixels; under ${smallestSide} on a side there is too little to go by.`,
    ],
    [orientation !== 1, `The EXIF orientation (${orientation}) was applied; the maps show the picture upright.`],
    [bitDepth > 8, `The file has ${bitDepth} bits a channel; the upper 8 were looked at.`],
    [hasAlpha, 'The file has transparency, which was ignored.'],
    [colourSpace === 'cmyk', 'The file is in CMYK and was converted to RGB, which weakens traces.'],
  ];
  return odd.flatMap(([applies, text]) => (applies ? [text] : []));
}
