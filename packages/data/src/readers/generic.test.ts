import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { emptyMask, filledImage } from '@forgelens/imaging';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { writeFiles } from '../testing.ts';
import { readMaterial } from './index-file.ts';
import { writeManifest } from './manifest.ts';
import { listDataset, readDataset } from './read-dataset.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'forgelens-'))));
afterEach(() => rm(folder, { recursive: true }));

const image = { image: filledImage(2, 2) };
const mask = { mask: emptyMask(2, 2) };
const header = 'split,set,image,mask,kind,width,height,authentic,extra';
const index = (...rows: string[]) => ({ 'index.csv': [header, ...rows, ''].join('\n') });

describe('an index', () => {
  test('gives samples with absolute paths, labels and groups', async () => {
    await writeFiles(folder, {
      ...index(
        'train,x_tp,a/1_fake.png,m/1.png,splice,2,2,,',
        'dev,x_au,a/1_orig.png,,authentic,2,2,,',
        'train,photos,a/p.png,m/1.png,object mask,2,2,,',
      ),
      'a/1_fake.png': image,
      'a/1_orig.png': image,
      'a/p.png': image,
      'm/1.png': mask,
    });
    const path = join(folder, 'index.csv');
    const samples = await readDataset(path);
    expect(samples).toEqual([
      {
        id: 'a/1_fake.png',
        set: 'x_tp',
        split: 'train',
        image: join(folder, 'a/1_fake.png'),
        mask: join(folder, 'm/1.png'),
        label: 1,
        group: 'x:1',
      },
      {
        id: 'a/1_orig.png',
        set: 'x_au',
        split: 'dev',
        image: join(folder, 'a/1_orig.png'),
        mask: null,
        label: 0,
        group: 'x:1',
      },
    ]);
    expect(await readDataset(path, { split: 'dev' })).toEqual([samples[1]]);
    expect(await readDataset(path, { sets: ['x_tp'] })).toEqual([samples[0]]);
    expect(await readDataset(folder)).toEqual(samples);
    expect(await readDataset(path)).toEqual(samples);
  });

  test('gives material with its objects', async () => {
    await writeFiles(folder, {
      ...index(
        'train,coco,a.png,,natural+instances,20,10,,a.txt',
        'train,bsds,b.png,,natural,20,10,,b.seg.png',
        'train,ccp,c.png,c.mask.png,object mask,20,10,,',
        'train,x_au,a.png,,authentic,20,10,,',
      ),
      'a.png': image,
      'b.png': image,
      'c.png': image,
      'a.txt': '',
      'b.seg.png': image,
      'c.mask.png': mask,
    });
    const material = await readMaterial(join(folder, 'index.csv'));
    expect(material.map(({ objects }) => objects.kind)).toEqual(['polygons', 'segments', 'mask']);
    expect(material[0]).toMatchObject({ id: 'a.png', width: 20, height: 10, image: join(folder, 'a.png') });
  });

  test.each([
    [['set,image', 'x,a.png'], 'no column split, mask, kind; columns are set, image'],
    [[header, 'train,x,b.png,,authentic,,,,'], 'line 2: no such file b.png'],
    [[header, 'train,x,a.png,,authentic,,,,', 'train,x,a.png,b.png,splice,,,,'], 'line 3: no such file b.png'],
    [
      [header, 'train,x,a.png,,splice,,,,'],
      'line 2: no mask for a.png of kind "splice"; only kind "authentic" has none',
    ],
    [
      [header, 'train,x,a.png,a.png,authentic,,,,'],
      'line 2: a.png is authentic but has the mask a.png; leave it empty',
    ],
    [[header, 'train,x'], 'not a CSV table (Invalid Record Length: columns length is 9, got 2 on line 2)'],
    [[], 'no column split, set, image, mask, kind; columns are missing: the table is empty'],
  ])('is refused where it is wrong: %j', async (lines, problem) => {
    await writeFiles(folder, { 'index.csv': lines.join('\n'), 'a.png': image });
    const path = join(folder, 'index.csv');
    await expect(readDataset(path)).rejects.toThrow(`${path}: ${problem}`);
  });

  test('has material, and no other list has', async () => {
    await expect(readMaterial(join(folder, 'm.jsonl'))).rejects.toThrow(
      'm.jsonl: lists samples, but photographs and their objects are listed in an index (.csv) only',
    );
  });

  test.each([
    ['train,x,a.png,,natural,2,2,,', 'line 2: a.png has neither mask nor extra; name its objects'],
    ['train,x,a.png,a.png,object mask,,2,,', 'line 2: a.png has width "" and height "2"; both must be above 0'],
  ])('of material is refused where it is wrong: %s', async (row, problem) => {
    await writeFiles(folder, { ...index(row), 'a.png': image });
    await expect(readMaterial(join(folder, 'index.csv'))).rejects.toThrow(problem);
  });
});

describe('an index', () => {
  test('has extra masks, which harm nobody, where no row names a picture among masks', async () => {
    await writeFiles(folder, {
      ...index('train,x,i/a.png,m/a.png,splice,2,2,,', 'dev,x,i/b.png,m/b.png,splice,2,2,,'),
      'i/a.png': image,
      'i/b.png': image,
      'i/left-out.png': image,
      'm/a.png': mask,
      'm/b.png': mask,
      'm/c.png': mask,
    });
    const { samples, problems } = await listDataset(folder, { split: 'dev' });
    expect(samples.map(({ id }) => id)).toEqual(['i/b.png']);
    expect(problems).toEqual([{ kind: 'extra-mask', path: 'm/c.png', text: 'no row names the mask m/c.png' }]);
    expect(await readDataset(folder, { split: 'dev' })).toHaveLength(1);
  });
});

describe('a list', () => {
  const described = async (path: string, options = {}) =>
    (await readDataset(join(folder, path), options)).map(sample => [
      sample.id,
      sample.mask && sample.mask.slice(folder.length + 1),
      sample.label,
      sample.set,
    ]);

  test('of text has commas, tabs or spaces between its columns', async () => {
    await writeFiles(folder, {
      'Tp 1/a.png': image,
      'Au/b.png': image,
      'm/a.png': mask,
      'tamp.txt': 'Tp 1/a.png,m/a.png,jpg/a.jpg\r\nAu/b.png,None\n\n',
      'tabs.lst': 'Tp 1/a.png\tm/a.png\t1\nAu/b.png\tNone\t0',
      'spaces.txt': './Au/b.png m/a.png 1\n./Au/b.png None 0\nAu/b.png\n',
    });
    const expected = [
      ['Tp 1/a.png', 'm/a.png', 1],
      ['Au/b.png', null, 0],
    ];
    expect(await described('tamp.txt')).toEqual(expected.map(row => [...row, 'tamp']));
    expect(await described('tabs.lst')).toEqual(expected.map(row => [...row, 'tabs']));
    expect((await described('spaces.txt')).map(row => row.slice(0, 3))).toEqual([
      ['./Au/b.png', 'm/a.png', 1],
      ['./Au/b.png', null, 0],
      ['Au/b.png', null, 0],
    ]);
  });

  test('of JSON has pairs, and "Negative" for no mask', async () => {
    await writeFiles(folder, {
      'a.png': image,
      'm.png': mask,
      'list.json': JSON.stringify([
        ['a.png', 'm.png'],
        ['a.png', 'Negative'],
      ]),
    });
    expect(await described('list.json')).toEqual([
      ['a.png', 'm.png', 1, 'list'],
      ['a.png', null, 0, 'list'],
    ]);
  });

  test('can be relative to another folder, and of a data set with masks of its own', async () => {
    await writeFiles(folder, { 'data/a.png': image, 'data/m.png': mask, 'lists/dso.txt': 'a.png,m.png' });
    const [sample] = await readDataset(join(folder, 'lists/dso.txt'), { root: join(folder, 'data'), dataset: 'dso-1' });
    expect(sample).toMatchObject({
      set: 'dso-1',
      mask: join(folder, 'data/m.png'),
      maskRule: { tampered: 'below', threshold: 127.5 },
    });
  });

  test.each([
    ['a.txt', 'a.png,n.png', 'line 1: no such file n.png in '],
    ['a.txt', 'a.png,None\nb.png,n.png', 'line 2: no such file b.png in '],
    ['a.txt', '\n', 'lists no pictures; write a line "picture,mask" for each'],
    ['a.json', '{', 'not JSON ('],
    ['a.json', '{}', 'holds object; it must be [[picture, mask or "Negative"], …]'],
    ['a.json', '[["a.png"]]', 'entry 1 is ["a.png"]; the file must be [[picture, mask or "Negative"], …]'],
  ])('is refused where it is wrong: %s %s', async (name, text, problem) => {
    await writeFiles(folder, { [name]: text, 'a.png': image });
    await expect(readDataset(join(folder, name))).rejects.toThrow(`${join(folder, name)}: ${problem}`);
  });
});

describe('a manifest', () => {
  const samples = async () => {
    await writeFiles(folder, {
      'data/image/10t.tif': image,
      'data/mask/10forged.tif': mask,
      'data/image/9.tif': image,
    });
    return readDataset(join(folder, 'data'), { dataset: 'coverage' });
  };

  test('gives back the samples that it was written of', async () => {
    const written = (await samples()).map((sample, i) => ({
      ...sample,
      split: i === 0 ? 'fold1' : null,
      ...(i === 0 && { maskRule: { channel: 'green', threshold: 120, tampered: 'above' } as const }),
      ...(i === 0 && { moreMasks: [join(folder, 'data/image/9.tif')] }),
    }));
    const path = join(folder, 'out/m.jsonl');
    await writeFiles(folder, { 'out/m.jsonl': await writeManifest(written, { path }) });
    expect(await readDataset(path)).toEqual(written);
    expect(await readDataset(path, { split: 'fold1' })).toEqual([written[0]]);
  });

  test('is the same wherever the files lie, but for its first line, and in whatever order they are found', async () => {
    const found = await samples();
    const here = await writeManifest(found, { path: join(folder, 'm.jsonl') });
    const there = await writeManifest(found.toReversed(), { path: join(folder, 'a/b/m.jsonl') });
    expect(here.split('\n').slice(1)).toEqual(there.split('\n').slice(1));
    expect(here.split('\n')[0]).toBe('{"format":"forgelens-manifest/1","root":"data"}');
    expect(there.split('\n')[0]).toBe('{"format":"forgelens-manifest/1","root":"../../data"}');
    expect(JSON.parse(here.split('\n')[1]!)).toEqual({
      id: 'image/10t.tif',
      set: 'coverage',
      split: null,
      label: 1,
      group: 'coverage:10',
      image: 'image/10t.tif',
      imageSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      masks: ['mask/10forged.tif'],
      masksSha256: [expect.stringMatching(/^[0-9a-f]{64}$/) as string],
    });
  });

  const header = '{"format":"forgelens-manifest/1","root":"."}';
  test.each([
    ['', 'no manifest: its first line must hold "format": "forgelens-manifest/1" and "root"'],
    ['{"root":"."}', 'no manifest: its first line must hold "format": "forgelens-manifest/1" and "root"'],
    [`${header}\n[`, 'line 2 is not a JSON object; write one on each line'],
    [
      `${header}\n{"id":"a","label":2}`,
      'line 2: set, group, image, imageSha256, masks, masksSha256, label missing or of another type',
    ],
    [
      `${header}\n{"id":"a","set":"x","group":"g","image":"a.png","imageSha256":"0","masks":[],"masksSha256":[],"label":0}`,
      'line 2: no such file ',
    ],
  ])('is refused where it is wrong: %s', async (text, problem) => {
    const path = join(folder, 'm.jsonl');
    await writeFiles(folder, { 'm.jsonl': text });
    await expect(readDataset(path)).rejects.toThrow(`${path}: ${problem}`);
  });

  test('is not written of a file that is gone', async () => {
    const found = await samples();
    await rm(found[0]!.image);
    await expect(writeManifest(found, { path: join(folder, 'm.jsonl') })).rejects.toThrow(
      `${found[0]!.image}: no such file`,
    );
  });
});

describe('a folder', () => {
  test('pairs pictures and masks by name, with or without a suffix', async () => {
    await writeFiles(folder, {
      'Tp/b.jpg': image,
      'Tp/a.png': image,
      'Tp/c.png': image,
      'Gt/b_gt.png': mask,
      'Gt/a.png': mask,
      'Gt/c_mask.png': mask,
      'Gt/0.png': mask,
      'Au/d.jpg': image,
      'Tp/notes.txt': 'not a picture',
    });
    const samples = await readDataset(folder);
    expect(samples.map(({ id, mask, label }) => [id, mask && mask.slice(folder.length + 1), label])).toEqual([
      ['Tp/a.png', 'Gt/a.png', 1],
      ['Tp/b.jpg', 'Gt/b_gt.png', 1],
      ['Tp/c.png', 'Gt/c_mask.png', 1],
      ['Au/d.jpg', null, 0],
    ]);
  });

  test('of pictures alone has no truth', async () => {
    await writeFiles(folder, { 'b.png': image, 'a.jpg': image });
    expect((await readDataset(folder)).map(({ id, label, mask }) => [id, label, mask])).toEqual([
      ['a.jpg', 0, null],
      ['b.png', 0, null],
    ]);
  });

  test('is refused when a mask is missing', async () => {
    await writeFiles(folder, { 'image/a.jpg': image, 'image/b.jpg': image, 'mask/a.png': mask, 'mask/c.png': mask });
    await expect(readDataset(folder)).rejects.toThrow(
      `${folder}: no mask for image/b.jpg; looked for mask/b.*, mask/b_gt.*, mask/b_mask.*`,
    );
  });

  test('is refused when it has no pictures or is not there', async () => {
    await expect(readDataset(folder)).rejects.toThrow(
      `${folder}: no pictures; looked for image/ and mask/, Tp/ and Gt/, and pictures in the folder itself`,
    );
    const missing = join(folder, 'nowhere');
    await expect(readDataset(missing)).rejects.toThrow(`${missing}: no such file or folder`);
    await expect(readDataset(missing)).rejects.toThrow(`${missing}: no such file`);
  });
});
