import { readFileSync } from 'node:fs';
import { DataError } from '@forgelens/autograd';
import { decodeMap16, encodeJpeg, encodePng } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging';
import type { Localizer, OperatingPoint } from '@forgelens/localize';
import { seenWhole } from '@forgelens/localize';
import { describe, expect, test } from 'vitest';
import type { Analysis, AnalyzeOptions, Progress } from './index.ts';
import {
  analysisJsonSchema,
  findingOf,
  formatAnalysis,
  isSameWork,
  parseAnalysis,
  pictureFiles,
  readAnalysis,
  sha256Of,
} from './index.ts';
import { analyzePicture } from './node.ts';

/** A black picture with a white patch of 20×10 at (30, 40). */
function patched(width = 100, height = 80): Image {
  const data = new Uint8Array(3 * width * height);
  for (let y = 40; y < 50; y++) data.fill(255, (y * width + 30) * 3, (y * width + 50) * 3);
  return { width, height, data };
}

const operatingPoint: OperatingPoint = {
  score: 0.8,
  falseAlarmRate: 0.05,
  sensitivity: 0.4,
  images: 200,
  sets: ['dev/made-up'],
  degradations: [],
};

/** Takes for tampered what is bright. */
const localizer = (measured: OperatingPoint | null = null): Localizer => ({
  info: {
    ...{ id: 'brightness', version: '1', name: 'Brightness', parameters: 0, licence: 'none needed' },
    weightsSha256: '0'.repeat(64),
    ...{ input: 'red', sizePolicy: 'native', scoreRule: 'the highest probability', operatingPoint: measured },
    limitations: ['It takes all that is bright for tampered.'],
  },
  locate({ width, height, data }, { onProgress } = {}) {
    onProgress?.(1, 1);
    const probabilities = Float32Array.from({ length: width * height }, (_, i) => data[3 * i]! / 255);
    return Promise.resolve({
      ...{ width, height, probabilities, seen: seenWhole },
      score: probabilities.reduce((most, p) => Math.max(most, p), 0),
    });
  },
  close: () => Promise.resolve(),
});

const options = { threshold: 0.5, evidence: false, nameFile: (key: string) => `photo.${key}.png` };
const analyze = (bytes: Uint8Array, more: Partial<AnalyzeOptions> = {}, measured: OperatingPoint | null = null) =>
  analyzePicture(bytes, 'photo.jpg', localizer(measured), { ...options, ...more });

describe('an analysis', () => {
  test('says what was looked at, by what, and what was found', async () => {
    const bytes = await encodePng(patched());
    const { analysis, pictures } = await analyze(bytes);
    const { timing, software, input, maps, ...rest } = analysis;
    expect(Object.keys(pictures)).toEqual(['map', 'overlay']);
    expect(timing.totalMs).toBeGreaterThanOrEqual(timing.locateMs);
    expect(Object.keys(software.runsOn)).toEqual(['libvips', 'sharp', 'onnxruntime', 'node']);
    expect(input).toMatchObject({ name: 'photo.jpg', sha256: await sha256Of(bytes), bytes: bytes.length });
    expect(input.stored).toEqual({
      ...{ width: 100, height: 80, channels: 3, bitDepth: 8, colourSpace: 'srgb', hasAlpha: false, frames: 1 },
    });
    expect(rest).toMatchInlineSnapshot(`
      {
        "areaFraction": 0.025,
        "evidence": null,
        "licences": {
          "software": "Apache-2.0",
          "weights": "none needed",
        },
        "limitations": [
          "Absence of a finding is not proof of authenticity.",
          "It takes all that is bright for tampered.",
        ],
        "model": {
          "id": "brightness",
          "name": "Brightness",
          "version": "1",
          "weightsSha256": "0000000000000000000000000000000000000000000000000000000000000000",
        },
        "preprocessing": {
          "input": "red",
          "scale": [
            1,
            1,
          ],
          "sizePolicy": "native",
          "tiles": null,
        },
        "protocol": {
          "minRegionAreaFraction": 0.001,
          "threshold": 0.5,
        },
        "regions": [
          {
            "area": 200,
            "bbox": [
              30,
              40,
              20,
              10,
            ],
            "meanScore": 1,
            "polygon": [
              [
                50,
                40,
              ],
              [
                50,
                50,
              ],
              [
                30,
                50,
              ],
              [
                30,
                40,
              ],
            ],
          },
        ],
        "schemaVersion": 2,
        "score": {
          "finding": null,
          "operatingPoint": null,
          "rule": "the highest probability",
          "value": 1,
        },
        "warnings": [],
      }
    `);
    // The hashes are of whatever the encoder of this version writes.
    for (const key of ['map', 'overlay'] as const)
      expect(maps[key]).toEqual({
        ...{ file: `photo.${key}.png`, width: 100, height: 80 },
        sha256: await sha256Of(pictures[key]!),
      });
    expect((await decodeMap16(pictures['map']!, 'map')).probabilities[45 * 100 + 40]).toBe(1);
  });

  test('is the same after it was written and read', async () => {
    const { analysis } = await analyze(await encodePng(patched()));
    expect(parseAnalysis(formatAnalysis(analysis))).toEqual(analysis);
    expect(formatAnalysis(analysis)).toContain('"bbox": [30, 40, 20, 10]');
  });

  test('lists evidence with the words to read it by, and the files of its maps', async () => {
    const bytes = await encodeJpeg(patched(), { quality: 75 });
    const { analysis, pictures } = await analyze(bytes, { evidence: true });
    const withMaps = analysis.evidence!.filter(({ map }) => map !== null);
    expect(withMaps.length).toBeGreaterThan(0);
    for (const { id, map, whatItShows, lookFor, ignore } of withMaps) {
      expect(map).toMatchObject({ file: `photo.${id}.png`, sha256: await sha256Of(pictures[id]!) });
      expect([whatItShows, lookFor, ignore].every(text => text.length > 20)).toBe(true);
    }
    expect(parseAnalysis(formatAnalysis(analysis))).toEqual(analysis);
  });

  test('tells how far it is', async () => {
    const told: Progress[] = [];
    await analyze(await encodePng(patched()), { evidence: true, onProgress: progress => told.push(progress) });
    expect([...new Set(told.map(({ stage }) => stage))]).toEqual(['decode', 'locate', 'draw', 'evidence']);
  });

  test('hands its pictures over one by one where somebody takes them, and keeps none', async () => {
    const saved = new Map<string, Uint8Array>();
    const { analysis, pictures } = await analyze(await encodeJpeg(patched(), { quality: 75 }), {
      evidence: true,
      savePicture: async (file, png) => void saved.set(file, png),
    });
    expect(pictures).toEqual({});
    expect([...saved.keys()]).toEqual(pictureFiles(analysis).map(({ file }) => file));
    for (const { file, sha256 } of pictureFiles(analysis)) expect(await sha256Of(saved.get(file)!)).toBe(sha256);
  });

  test.each(['decode', 'locate', 'draw', 'evidence'] as const)(
    'ends at the stage %s when it is told to',
    async stage => {
      const ending = new AbortController();
      const stages = new Set<string>();
      const onProgress = (progress: Progress) => {
        stages.add(progress.stage);
        if (progress.stage === stage && progress.done === 0) ending.abort(new Error('enough'));
      };
      const bytes = await encodePng(patched());
      await expect(analyze(bytes, { evidence: true, onProgress, signal: ending.signal })).rejects.toThrow('enough');
      expect([...stages].at(-1)).toBe(stage);
    },
  );

  test('refuses what is larger than it may be', async () => {
    const bytes = await encodePng(patched());
    await expect(analyze(bytes, { limits: { maxPixels: 5000 } })).rejects.toThrow(DataError);
    await expect(analyze(bytes, { limits: { maxPixels: 8000 } })).resolves.toBeDefined();
  });
});

describe('a finding', () => {
  test('is made by an operating point, and there is none without one', () => {
    expect(findingOf(0.9, null, [])).toBeNull();
    expect(findingOf(0.8, operatingPoint, [])).toBe('suspicious');
    expect(findingOf(0.79, operatingPoint, [])).toBe('no finding');
  });

  test('is inconclusive where what was measured does not carry over', async () => {
    const small = await encodePng(patched(60, 50));
    const { analysis } = await analyze(small, {}, operatingPoint);
    expect(analysis.score).toMatchObject({ value: 1, finding: 'inconclusive', operatingPoint });
    expect(analysis.warnings).toMatchInlineSnapshot(`
      [
        "The picture is only 60×50 pixels; under 64 on a side there is too little to go by.",
      ]
    `);
  });
});

test('an earlier result is the same work unless picture, model, weights, threshold, evidence or version differ', async () => {
  const bytes = await encodePng(patched());
  const { analysis } = await analyze(bytes);
  const sha = await sha256Of(bytes);
  const same = (earlier: Analysis, given: Partial<AnalyzeOptions> = {}) =>
    isSameWork(earlier, sha, localizer(), { ...options, ...given });
  expect(same(analysis)).toBe(true);
  expect(same(analysis, { threshold: 0.6 })).toBe(false);
  expect(same(analysis, { evidence: true })).toBe(false);
  expect(same({ ...analysis, software: { ...analysis.software, version: '0' } })).toBe(false);
  expect(same({ ...analysis, model: { ...analysis.model, weightsSha256: 'f'.repeat(64) } })).toBe(false);
});

test('the JSON Schema of results is the current one: npx tsx tools/analysis-schema.ts', () => {
  const file = new URL('../analysis.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(analysisJsonSchema());
});

test('a file that is no result is refused with what is the matter', async () => {
  const { analysis } = await analyze(await encodePng(patched()));
  const refusal = (text: string) => {
    try {
      readAnalysis(text, 'photo.jpg.json');
      return 'taken';
    } catch (error) {
      return String(error);
    }
  };
  expect(refusal(JSON.stringify(analysis))).toBe('taken');
  expect([
    refusal('{'),
    refusal('[]'),
    refusal(JSON.stringify({ ...analysis, schemaVersion: 1 })),
    refusal(JSON.stringify({ ...analysis, score: { ...analysis.score, value: 2 } })),
  ]).toMatchInlineSnapshot(`
    [
      "DataError: photo.jpg.json: not a result: not JSON (Expected property name or '}' in JSON at position 1)",
      "DataError: photo.jpg.json: not a result of forgelens analyze: the whole: Invalid input: expected object, received array",
      "DataError: photo.jpg.json: a result of schema version 1, but this program reads version 2; analyze the picture again",
      "DataError: photo.jpg.json: not a result of forgelens analyze: score.value: Too big: expected number to be <=1",
    ]
  `);
});
