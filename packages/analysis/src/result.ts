import { DataError } from '@forgelens/autograd';
import { z } from 'zod';

/** The version of the result's form. It is raised when a field changes its meaning or goes; new ones may come without. */
export const schemaVersion = 2;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const probability = z.number().min(0).max(1);
const pixels = z.int().min(1);

const pictureFile = z.object({
  file: z.string().describe('where it is, relative to this result'),
  sha256,
  width: pixels,
  height: pixels,
});

const input = z.object({
  name: z.string().describe('as the picture was named by whoever gave it'),
  sha256: sha256.describe('of the bytes as they came'),
  bytes: z.int().min(1),
  format: z.string().describe('jpeg, png, webp, tiff, gif, heif or bmp'),
  decoder: z.string().describe('what made pixels of the bytes, with its version'),
  width: pixels.describe('of the pixels that were looked at: after the orientation was applied'),
  height: pixels,
  orientation: z.int().min(1).max(8).describe('EXIF orientation of the file; it was applied to the pixels'),
  stored: z
    .object({
      width: pixels,
      height: pixels,
      channels: z.int(),
      bitDepth: z.int().describe('bits a channel'),
      colourSpace: z.string(),
      hasAlpha: z.boolean(),
      frames: z.int().min(1).describe('frames or pages; the first one was looked at'),
    })
    .describe('the picture as the file holds it'),
});

const operatingPoint = z
  .object({
    score: probability.describe('from this score on a picture is worth a look'),
    falseAlarmRate: probability.describe('the fraction of authentic pictures whose score is as high'),
    sensitivity: probability.nullable().describe('the fraction of tampered pictures whose score is as high'),
    images: z.int().min(1).describe('how many authentic pictures it was measured on'),
    sets: z.array(z.string()).readonly(),
    degradations: z
      .array(z.string())
      .readonly()
      .default([])
      .describe('each picture was scored as it is, and after each of these, as in "jpeg_quality=75"'),
  })
  .describe('measured on pictures that the model was not trained on');

const score = z.object({
  value: probability.describe('of the picture as a whole; not a probability that it was tampered with'),
  rule: z.string().describe('how it is taken from the map'),
  operatingPoint: operatingPoint.nullable(),
  finding: z
    .enum(['suspicious', 'no finding', 'inconclusive'])
    .nullable()
    .describe('by the operating point; null where none was measured. A reason to look, or none: never a verdict'),
});

const region = z.object({
  bbox: z.tuple([z.int(), z.int(), z.int(), z.int()]).readonly().describe('x, y, width and height in pixels'),
  area: z.int().min(1).describe('pixels above the threshold'),
  meanScore: probability.describe('the mean probability of these pixels'),
  polygon: z
    .array(z.tuple([z.number(), z.number()]).readonly())
    .readonly()
    .describe('the outer outline, clockwise, through pixel corners'),
});

const box = z.object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() });
const point = z.object({ x: z.number(), y: z.number() });

const evidence = z
  .object({
    id: z.string(),
    title: z.string(),
    whatItShows: z.string(),
    lookFor: z.string(),
    ignore: z.string(),
    source: z.object({ text: z.string(), url: z.string() }),
    outcome: z
      .enum(['notable', 'quiet', 'shown', 'notApplicable'])
      .describe(
        'notable: something that untouched photographs seldom have; quiet: looked for and not found, which is no proof; shown: to be read by eye; notApplicable: this picture cannot be examined so',
      ),
    summary: z.string().describe('one sentence with the numbers'),
    warnings: z.array(z.string()).readonly(),
    map: pictureFile
      .extend({ zero: z.string().describe('what black means'), one: z.string().describe('what white means') })
      .nullable()
      .describe(
        'of the whole picture, 16-bit grey PNG: value / 65535; maybe of fewer cells than the picture has pixels',
      ),
    boxes: z.array(box).readonly().describe('places that the summary speaks of, in pixels'),
    pairs: z
      .array(
        z.object({
          a: box,
          b: box,
          matches: z.array(z.tuple([point, point]).readonly()).readonly(),
          similarity: z.number(),
          area: z.number(),
          rotation: z.number(),
          scale: z.number(),
          mirrored: z.boolean(),
        }),
      )
      .readonly()
      .describe('places with the same content; which one is the copy cannot be told from it'),
    table: z
      .object({ columns: z.array(z.string()).readonly(), rows: z.array(z.array(z.string()).readonly()).readonly() })
      .nullable(),
  })
  .describe('what does not come from the network, with the words to read it by');

/** The result of looking at one picture: everything that is needed to understand it and to repeat it. */
export const analysisSchema = z.object({
  schemaVersion: z.literal(schemaVersion),
  input,
  model: z.object({
    id: z.string(),
    version: z.string(),
    name: z.string(),
    weightsSha256: sha256,
  }),
  protocol: z
    .object({
      threshold: probability.describe('pixels with a greater probability are flagged'),
      minRegionAreaFraction: probability.describe('smaller regions are not listed; the maps show them'),
    })
    .describe('what was done with the map'),
  preprocessing: z.object({
    input: z.string().describe('what the network gets to see'),
    sizePolicy: z.string(),
    scale: z
      .tuple([z.number(), z.number()])
      .readonly()
      .describe('pixels that the network saw for one of the picture, across and down; 1 at native resolution'),
    tiles: z
      .object({ size: pixels, overlap: z.int(), columns: pixels, rows: pixels })
      .nullable()
      .describe('overlapping tiles, whose offsets are multiples of 8; null when the picture was looked at as a whole'),
  }),
  score,
  areaFraction: probability.describe('the fraction of the picture that lies above the threshold'),
  regions: z.array(region),
  maps: z.object({
    map: pictureFile.describe('16-bit grey PNG: probability = value / 65535'),
    overlay: pictureFile.describe('the map over the picture'),
  }),
  evidence: z.array(evidence).nullable().describe('null when it was not looked for'),
  warnings: z.array(z.string()).describe('what was odd about this picture'),
  limitations: z.array(z.string()).describe('what holds for every result of this model'),
  timing: z.object({
    startedAt: z.iso.datetime(),
    decodeMs: z.number(),
    locateMs: z.number(),
    evidenceMs: z.number().nullable(),
    totalMs: z.number(),
  }),
  software: z.object({
    name: z.string(),
    version: z.string(),
    runsOn: z.record(z.string(), z.string()).describe('versions of what the numbers depend on'),
  }),
  licences: z.object({ software: z.string(), weights: z.string() }),
});

export type Analysis = z.infer<typeof analysisSchema>;
export type Score = Analysis['score'];
export type EvidenceResult = z.infer<typeof evidence>;

/** The files of a result's pictures. */
export const pictureFiles = ({ maps, evidence }: Analysis): readonly z.infer<typeof pictureFile>[] => [
  maps.map,
  maps.overlay,
  ...(evidence ?? []).flatMap(({ map }) => map ?? []),
];

/** The form of results as a JSON Schema, for whoever reads them in another language. */
export const analysisJsonSchema = (): object => ({
  title: 'forgelens: the result of looking at one picture',
  // As input: fields that a later version adds do not make a result invalid.
  ...z.toJSONSchema(analysisSchema, { io: 'input' }),
});

/** The analysis in a JSON text; null when the text is something else. */
export function parseAnalysis(text: string): Analysis | null {
  try {
    return analysisSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * The analysis in a JSON text.
 *
 * @param path - names the text in errors
 * @throws {DataError} when the text is something else, with what is the matter
 */
export function readAnalysis(text: string, path: string): Analysis {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DataError(path, `not a result: not JSON (${(error as Error).message})`, { cause: error });
  }
  const version = (json as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version !== schemaVersion)
    throw new DataError(
      path,
      `a result of schema version ${version}, but this program reads version ${schemaVersion}; analyze the picture again`,
    );
  const { data, error } = analysisSchema.safeParse(json);
  if (data) return data;
  const { path: place, message } = error.issues[0]!;
  throw new DataError(path, `not a result of forgelens analyze: ${place.join('.') || 'the whole'}: ${message}`);
}
