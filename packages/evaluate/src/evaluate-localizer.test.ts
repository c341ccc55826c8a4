import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sample } from '@forgelens/data';
import type { Image, Mask } from '@forgelens/imaging';
import { encodeMask, encodePng } from '@forgelens/imaging';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateLocalizer } from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'forgelens-evaluate-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A grey picture from levels 0–255, four to a row. */
const picture = (levels: readonly number[]): Image => ({
  width: 4,
  height: levels.length / 4,
  data: Uint8Array.from(levels.flatMap(level => [level, level, level])),
});

/** Calls tampered what is bright. */
const brightness = (image: Image) =>
  Promise.resolve({
    width: image.width,
    height: image.height,
    probabilities: Float32Array.from({ length: image.width * image.height }, (_, i) => image.data[3 * i]! / 255),
    score: 0.25,
  });

/** Writes a sample: its picture, and its mask unless it is authentic. */
async function sample(id: string, levels: readonly number[], mask: Mask | null, set = 'made-up'): Promise<Sample> {
  const image = path.join(folder, `${id}.png`);
  await writeFile(image, await encodePng(picture(levels)));
  const maskPath = path.join(folder, `${id}_gt.png`);
  if (mask) await writeFile(maskPath, await encodeMask(mask));
  return { id, set, split: null, image, mask: mask ? maskPath : null, label: mask ? 1 : 0, group: id };
}

const marked = (...data: readonly number[]): Mask => ({
  width: 4,
  height: data.length / 4,
  data: Uint8Array.from(data),
});
const relative = (text: string) => text.replaceAll(folder + path.sep, '');

describe('evaluateLocalizer', () => {
  test('reports each set and all of them, tampered and authentic images apart', async () => {
    const samples = [
      await sample('found', [255, 255, 0, 0], marked(1, 1, 0, 0), 'a'),
      await sample('half', [255, 0, 255, 0], marked(1, 1, 0, 0), 'b'),
      await sample('clean', [0, 0, 0, 0, 0, 0, 255, 0], null, 'b'),
    ];
    const { overall, sets, images } = await evaluateLocalizer(brightness, samples);
    expect(sets.a!.tampered.f1).toEqual({ perImage: 1, pooled: 1 });
    expect(sets.b!.tampered).toMatchObject({ images: 1, f1: { perImage: 0.5 }, auc: { perImage: 0.5 } });
    expect(sets.b!.authentic).toEqual({ images: 1, specificity: 7 / 8, falseAlarmArea: 1 / 8, imagesFlagged: 1 });
    expect(overall).toMatchObject({ samples: 3, scored: 3, excluded: 0, tampered: { f1: { perImage: 0.75 } } });
    expect(images[2]).toEqual({
      id: 'clean',
      set: 'b',
      counts: { tp: 0, fp: 1, fn: 0, tn: 7 },
      f1: null,
      iou: null,
      auc: null,
      score: 0.25,
    });
  });

  test('excludes what cannot be scored, says why, and scores the others', async () => {
    const good = await sample('good', [255, 255, 0, 0], marked(1, 1, 0, 0));
    const missing = { ...good, id: 'missing', image: path.join(folder, 'missing.png') };
    const text = { ...good, id: 'text', image: path.join(folder, 'text.jpg') };
    await writeFile(text.image, 'not a picture');
    const otherSize = await sample('other-size', [0, 0, 0, 0], marked(1, 1, 0, 0, 0, 0, 0, 0));
    const marksNothing = await sample('marks-nothing', [0, 0, 0, 0], marked(0, 0, 0, 0));
    const samples = [missing, text, otherSize, marksNothing, good];
    const { overall, excluded } = await evaluateLocalizer(brightness, samples);
    expect(overall).toMatchObject({ samples: 5, scored: 1, excluded: 4, tampered: { images: 1, f1: { perImage: 1 } } });
    expect(excluded.map(({ id, error }) => `${id}: ${relative(error)}`)).toMatchInlineSnapshot(`
      [
        "missing: missing.png: no such file",
        "text: text.jpg: not a readable image (Input buffer contains unsupported image format)",
        "other-size: other-size_gt.png: the mask is 4×2 but its image is 4×1; they must be equal",
        "marks-nothing: marks-nothing_gt.png: the mask marks no pixel but its image is listed as tampered",
      ]
    `);
  });

  test('excludes an image whose map is of another size or has no probabilities', async () => {
    const good = await sample('map', [255, 255, 0, 0], marked(1, 1, 0, 0));
    const broken = async (probabilities: Float32Array, width: number) => {
      const locate = () => Promise.resolve({ width, height: 1, probabilities, score: 0 });
      return relative((await evaluateLocalizer(locate, [good])).excluded[0]!.error);
    };
    expect(await broken(new Float32Array(3), 3)).toMatchInlineSnapshot(
      `"map.png: the map is 3×1 but the image is 4×1"`,
    );
    expect(await broken(Float32Array.of(0, 1, NaN, 0), 4)).toMatchInlineSnapshot(
      `"map.png: the map has NaN at (2, 0) where a probability in [0, 1] must be"`,
    );
  });

  test('lets a fault of the localizer through', async () => {
    const good = await sample('fault', [255, 255, 0, 0], marked(1, 1, 0, 0));
    const fault = () => Promise.reject(new Error('out of memory'));
    await expect(evaluateLocalizer(fault, [good])).rejects.toThrow('out of memory');
  });

  test('names its protocol and the list of samples, whatever their order, in plain JSON', async () => {
    const samples = [await sample('one', [255, 0, 0, 0], marked(1, 0, 0, 0)), await sample('two', [0, 0, 0, 0], null)];
    const report = await evaluateLocalizer(brightness, samples);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.protocol).toMatchObject({ name: 'fixed-threshold-1', threshold: 0.5, inverse: 'never taken' });
    const reversed = await evaluateLocalizer(brightness, samples.toReversed());
    expect(reversed.manifestSha256).toBe(report.manifestSha256);
    expect((await evaluateLocalizer(brightness, samples.slice(1))).manifestSha256).not.toBe(report.manifestSha256);
  });

  test('reports progress and stops on request', async () => {
    const samples = [await sample('p', [0, 0, 0, 0], null), await sample('q', [0, 0, 0, 0], null)];
    const seen: string[] = [];
    const stop = new AbortController();
    const onProgress = (done: number, total: number, { id }: Sample) => {
      seen.push(`${done}/${total} ${id}`);
      stop.abort(new Error('stopped'));
    };
    await expect(evaluateLocalizer(brightness, samples, { onProgress, signal: stop.signal })).rejects.toThrow(
      'stopped',
    );
    expect(seen).toEqual(['0/2 p']);
  });
});
