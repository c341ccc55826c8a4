import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sample } from '@forgelens/data';
import type { Image, Mask } from '@forgelens/imaging';
import { encodeMask, encodePng } from '@forgelens/imaging';
import { seenWhole } from '@forgelens/localize';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MapsHeader } from './index.ts';
import {
  checkComparable,
  evaluateLocalizer,
  hashManifest,
  mapsFormat,
  MapsFolder,
  protocols,
  scoreMaps,
} from './index.ts';

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
    seen: seenWhole,
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
    expect(images.map(({ id }) => id)).toEqual(['found', 'clean', 'half']);
    expect(images[1]).toMatchObject({
      id: 'clean',
      set: 'b',
      label: 0,
      counts: { tp: 0, fp: 1, fn: 0, tn: 7 },
      f1: null,
      iou: null,
      auc: null,
      score: 0.25,
      scores: { max: 1, area: 1 / 8 },
      protocols: { forgelens: { 'false-alarm area': 1 / 8 } },
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
      const locate = () => Promise.resolve({ width, height: 1, probabilities, score: 0, seen: seenWhole });
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
    expect(report.protocol).toMatchObject({
      name: 'forgelens',
      version: 1,
      threshold: { value: 0.5, comparison: '>' },
    });
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

describe('maps', () => {
  const everyProtocol = [protocols.forgelens, protocols.safire, protocols.photoholmes];
  const model = { id: 'brightness', version: '1', weightsSha256: '1'.repeat(64), sizePolicy: 'native' };
  const headerOf = (samples: readonly Sample[], rest: Partial<MapsHeader> = {}): MapsHeader => ({
    format: mapsFormat,
    software: { name: 'forgelens', version: '0.1.0' },
    model,
    data: { path: 'made-up' },
    manifestSha256: hashManifest(samples),
    samples: samples.length,
    precision: 'float32',
    ...rest,
  });
  const samplesOf = async (name: string) => [
    await sample(`${name}-one`, [255, 200, 0, 10], marked(1, 1, 0, 0), 'a'),
    await sample(`${name}-two`, [255, 0, 128, 0, 90, 0, 0, 0], marked(1, 1, 0, 0, 0, 0, 0, 0), 'b'),
    await sample(`${name}-clean`, [0, 130, 0, 0], null, 'b'),
  ];
  const out = (name: string) => path.join(folder, name);
  const refuse = async (promise: Promise<unknown>) =>
    relative(await promise.then(String, (error: unknown) => String(error))).replaceAll(folder, '');

  test('are scored as the evaluation was that made them, by any protocols, on any number of workers', async () => {
    const samples = await samplesOf('same');
    const maps = await MapsFolder.open(out('same'), headerOf(samples));
    const evaluated = await evaluateLocalizer(brightness, samples, { maps, protocols: everyProtocol });
    expect(evaluated).toEqual(await evaluateLocalizer(brightness, samples, { protocols: everyProtocol }));
    const written = await MapsFolder.read(out('same'));
    expect(written.header).toEqual(headerOf(samples));
    expect(await scoreMaps(written, { protocols: everyProtocol })).toEqual(evaluated);
    expect(await scoreMaps(written, { protocols: everyProtocol, workers: 4 })).toEqual(evaluated);
    expect((await scoreMaps(written, { protocols: [], sets: ['a'] })).images.map(({ id }) => id)).toEqual(['same-one']);
    expect(await readdir(path.join(out('same'), 'truth', 'b'))).toEqual(['same-two.png']);
  });

  test('of float16 are scored as they are kept', async () => {
    const samples = await samplesOf('half');
    const maps = await MapsFolder.open(out('half'), headerOf(samples, { precision: 'float16' }));
    const evaluated = await evaluateLocalizer(brightness, samples, { maps });
    expect(await scoreMaps(maps, { protocols: [protocols.forgelens] })).toEqual(evaluated);
    expect((await readFile(path.join(out('half'), 'maps/a/half-one.npy'), 'latin1')).slice(0, 40)).toContain('<f2');
  });

  test('of an evaluation that was killed are made once: it goes on where it stopped', async () => {
    const samples = await samplesOf('killed');
    const seen: string[] = [];
    const locate = (image: Image, file: string) => {
      seen.push(path.basename(file));
      return brightness(image);
    };
    const open = () => MapsFolder.open(out('killed'), headerOf(samples));
    await evaluateLocalizer(locate, samples, { maps: await open() });
    const journal = path.join(out('killed'), 'images.jsonl');
    const lines = (await readFile(journal, 'utf8')).split('\n');
    // As a kill in the middle of the last line leaves it.
    await writeFile(journal, [...lines.slice(0, -1), lines.at(-1)!.slice(0, 30)].join('\n'));
    expect(await refuse(scoreMaps(await MapsFolder.read(out('killed')), { protocols: [] }))).toMatchInlineSnapshot(
      `"UsageError: killed has maps of 2 of 3 pictures; run its evaluation again to make the others"`,
    );
    const evaluated = await evaluateLocalizer(locate, samples, { maps: await open() });
    expect(seen).toEqual(['killed-one.png', 'killed-two.png', 'killed-clean.png', 'killed-clean.png']);
    expect(await scoreMaps(await MapsFolder.read(out('killed')), { protocols: [protocols.forgelens] })).toEqual(
      evaluated,
    );
  });

  test('are made anew where the picture was changed, or the map was damaged', async () => {
    const samples = await samplesOf('changed');
    const open = () => MapsFolder.open(out('changed'), headerOf(samples));
    await evaluateLocalizer(brightness, samples, { maps: await open() });
    await sample('changed-one', [0, 0, 255, 255], marked(1, 1, 0, 0), 'a');
    await writeFile(path.join(out('changed'), 'maps/b/changed-two.npy'), 'damaged');
    const seen: string[] = [];
    await evaluateLocalizer(
      (image, file) => {
        seen.push(path.basename(file));
        return brightness(image);
      },
      samples,
      { maps: await open() },
    );
    expect(seen).toEqual(['changed-one.png', 'changed-two.png']);
  });

  test('that cannot be read are excluded, and the others scored; what could not be looked at stays listed', async () => {
    const samples = await samplesOf('broken');
    const missing = { ...samples[0]!, id: 'broken-missing', image: path.join(folder, 'broken-missing.png') };
    const all = [...samples, missing];
    const maps = await MapsFolder.open(out('broken'), headerOf(all));
    await evaluateLocalizer(brightness, all, { maps });
    await rm(path.join(out('broken'), 'maps/b/broken-two.npy'));
    await writeFile(path.join(out('broken'), 'maps/b/broken-clean.npy'), 'damaged');
    const { excluded, overall } = await scoreMaps(maps, { protocols: [] });
    expect(overall).toMatchObject({ samples: 4, scored: 1, excluded: 3 });
    expect(excluded.map(({ id, error }) => `${id}: ${relative(error)}`)).toMatchInlineSnapshot(`
      [
        "broken-missing: broken-missing.png: no such file",
        "broken-two: broken/maps/b/broken-two.npy: no such file",
        "broken-clean: broken/maps/b/broken-clean.npy: is not the map that images.jsonl names; run the evaluation again to make it anew",
      ]
    `);
  });

  test('of another model, another list or another precision are refused, and a folder without maps', async () => {
    const samples = await samplesOf('refused');
    await MapsFolder.open(out('refused'), headerOf(samples));
    const open = (rest: Partial<MapsHeader>) => refuse(MapsFolder.open(out('refused'), headerOf(samples, rest)));
    expect(await open({ model: { ...model, weightsSha256: '2'.repeat(64) } })).toMatchInlineSnapshot(
      `"UsageError: refused holds maps of the model brightness (weights 111111111111, native), not brightness (weights 222222222222, native); choose another folder with --out"`,
    );
    expect(await open({ manifestSha256: '3'.repeat(64) })).toMatchInlineSnapshot(
      `"UsageError: refused holds maps of the list of pictures 47ffc2c20804, not 333333333333; choose another folder with --out"`,
    );
    expect(await open({ precision: 'float16' })).toMatchInlineSnapshot(
      `"UsageError: refused holds maps of the precision float32, not float16; choose another folder with --out"`,
    );
    expect(await refuse(MapsFolder.read(out('nowhere')))).toMatchInlineSnapshot(
      `"UsageError: no maps in nowhere: there is no evaluation.json; make them with "evaluate --out nowhere""`,
    );
    await writeFile(path.join(out('refused'), 'evaluation.json'), '{"format": "forgelens-maps/9"}');
    expect(await refuse(MapsFolder.read(out('refused')))).toMatchInlineSnapshot(
      `"UsageError: refused/evaluation.json: format "forgelens-maps/9" is not "forgelens-maps/1"; make the maps anew"`,
    );
  });

  test('of different lists or changed pictures are not compared', async () => {
    const samples = await samplesOf('compared');
    const folders: MapsFolder[] = [];
    for (const [name, list] of [
      ['first', samples],
      ['second', samples],
      ['fewer', samples.slice(1)],
    ] as const) {
      const maps = await MapsFolder.open(out(`compared-${name}`), headerOf(list));
      await evaluateLocalizer(brightness, list, { maps });
      folders.push(maps);
    }
    const [first, second, fewer] = folders as [MapsFolder, MapsFolder, MapsFolder];
    expect(() => checkComparable([first, second])).not.toThrow();
    const compare = (...folders: MapsFolder[]) => refuse(Promise.resolve().then(() => checkComparable(folders)));
    expect(await compare(first, fewer)).toMatchInlineSnapshot(
      `"UsageError: compared-first and compared-fewer are of different lists of pictures (manifests 2a686e7f3ccd and 155c4fe12f8f); score each by itself"`,
    );
    await sample('compared-two', [1, 2, 3, 4, 5, 6, 7, 8], marked(1, 1, 0, 0, 0, 0, 0, 0), 'b');
    await rm(out('compared-second'), { recursive: true });
    const anew = await MapsFolder.open(out('compared-second'), headerOf(samples));
    await evaluateLocalizer(brightness, samples, { maps: anew });
    expect(await compare(first, anew)).toMatchInlineSnapshot(
      `"UsageError: compared-first and compared-second have different files of b/compared-two: its picture or mask was changed; make both anew"`,
    );
  });

  test('have names that no two samples share, within their folder', async () => {
    const [one] = await samplesOf('named');
    const ids = ['../../x.png', 'a/B.png', 'a/b.png', 'a:b?.png', '/root.png'];
    const samples = ids.map(id => ({ ...one!, id }));
    const maps = await MapsFolder.open(out('named'), headerOf(samples));
    await evaluateLocalizer(brightness, samples, { maps });
    expect(maps.images().map(({ map }) => map)).toMatchInlineSnapshot(`
      [
        "maps/a/_/_/x.png.npy",
        "maps/a/a/B.png.npy",
        "maps/a/a/b.png-2.npy",
        "maps/a/a_b_.png.npy",
        "maps/a/_/root.png.npy",
      ]
    `);
  });
});
