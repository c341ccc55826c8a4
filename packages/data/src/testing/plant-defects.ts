import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

import { Random } from '@forgelens/autograd';
import {
  decodeImage,
  encodeJpeg,
  encodeMask,
  encodePng,
  flipHorizontal,
  gaussianBlur,
  resizeImage,
  resizeMask,
  rotate90,
  tamperedFraction,
  type Image,
  type Mask,
} from '@forgelens/imaging';

import type { FindingKind } from '../check/finding.ts';
import { listDataset } from '../readers/read-dataset.ts';
import type { Sample } from '../sample.ts';
import { readTruth } from '../truth.ts';

/** One thing that was made wrong, and the finding that must name it. */
export interface Planted {
  readonly what: string;
  readonly kind: FindingKind;
  /** Of the sample, or of the file where that is none. */
  readonly id: string;
  /** The sample that it was planted into. */
  readonly sample: string;
}

/** What a defect is planted into: a sample, its pixels, and the index that lists it. */
interface Site {
  readonly sample: Sample;
  readonly bytes: Uint8Array;
  readonly image: Image;
  readonly truth: Mask;
  /** Writes a further file, and a row that lists it as authentic in a set of its own unless the row says otherwise. */
  readonly add: (file: string, bytes: Uint8Array, row?: Partial<Row>) => Promise<string>;
  /** Writes another mask; a picture of levels and colours where it is an image. */
  readonly setMask: (mask: Mask | Image) => Promise<void>;
  /** Changes the sample's row. */
  readonly setRow: (row: Partial<Row>) => void;
  /** The sample's row. */
  readonly row: Row;
}

interface Row {
  readonly split: string;
  readonly set: string;
  readonly image: string;
  readonly mask: string;
  readonly kind: string;
}

/** Makes it wrong; gives the id that is found where that is not the sample's. */
type Plant = (site: Site) => Promise<unknown>;

const levels = ({ width, height, data }: Mask, level: (marked: number) => readonly number[]): Image => ({
  width,
  height,
  data: Uint8Array.from([...data].flatMap(marked => [...level(marked)])),
});
const grey = (value: number): readonly number[] => [value, value, value];
const half = (extent: number): number => Math.max(1, Math.round(extent / 2));
const jpeg = (image: Image, quality: number): Promise<Uint8Array> => encodeJpeg(image, { quality });
const otherSplit = 'another';

/** Every defect that can be planted into a tampered sample. Each gives the id that is found, if not the sample's. */
const plants: Readonly<Record<string, readonly [FindingKind, Plant]>> = {
  'a picture cut off in the middle': [
    'unreadable',
    ({ sample, bytes }) => writeFile(sample.image, bytes.subarray(0, bytes.length / 2)),
  ],
  'an empty picture': ['unreadable', ({ sample }) => writeFile(sample.image, '')],
  'a text that is called a picture': ['unreadable', ({ sample }) => writeFile(sample.image, '<html>not found</html>')],
  'a mask cut off in the middle': [
    'unreadable',
    async ({ sample }) => {
      const bytes = await readFile(sample.mask!);
      await writeFile(sample.mask!, bytes.subarray(0, bytes.length / 2));
    },
  ],
  'no picture': ['missing-image', ({ sample }) => rm(sample.image)],
  'no mask': ['missing-mask', ({ sample }) => rm(sample.mask!)],
  'a mask of nothing': [
    'extra-mask',
    async ({ sample, truth }) => {
      const file = join(dirname(sample.mask!), 'stray.png');
      await writeFile(file, await encodeMask(truth));
      return file;
    },
  ],
  'a mask of half the size': [
    'size-mismatch',
    ({ truth, setMask }) => setMask(resizeMask(truth, half(truth.width), half(truth.height))),
  ],
  'a mask turned by 90°': ['size-mismatch', ({ truth, setMask }) => setMask(rotate90(truth))],
  'a mask without its last row': [
    'size-mismatch',
    ({ truth: { width, height, data }, setMask }) =>
      setMask({ width, height: height - 1, data: data.subarray(0, width * (height - 1)) }),
  ],
  'an inverted mask': [
    'inverted-mask',
    ({ truth, setMask }) => setMask({ ...truth, data: truth.data.map(value => 1 - value) }),
  ],
  'a mask in red': ['coloured-mask', ({ truth, setMask }) => setMask(levels(truth, marked => [255 * marked, 0, 0]))],
  'a mask in green and red': [
    'coloured-mask',
    ({ truth, setMask }) => setMask(levels(truth, marked => [200 * (1 - marked), 255 * marked, 0])),
  ],
  'a blurred mask': [
    'grey-mask',
    ({ truth, setMask }) =>
      setMask(
        gaussianBlur(
          levels(truth, marked => grey(255 * marked)),
          6,
        ),
      ),
  ],
  'a mask in grey': ['grey-mask', ({ truth, setMask }) => setMask(levels(truth, marked => grey(marked * 180)))],
  'a black mask': ['empty-mask', ({ truth, setMask }) => setMask({ ...truth, data: truth.data.map(() => 0) })],
  'a mask of ones instead of 255': ['empty-mask', ({ truth, setMask }) => setMask(levels(truth, grey))],
  'a white mask': ['full-mask', ({ truth, setMask }) => setMask({ ...truth, data: truth.data.map(() => 1) })],
  'a copy of a file': [
    'duplicate',
    ({ sample, bytes, row: { split, mask, kind }, add }) =>
      add(`copied${extname(sample.image)}`, bytes, { split, mask, kind }),
  ],
  'the same pixels in another file, as authentic': [
    'duplicate',
    async ({ sample, image, add }) => add('lossless.png', await encodePng(image), { split: sample.split ?? '' }),
  ],
  'a recompressed copy': [
    'near-duplicate',
    async ({ sample, image, add }) => add('recompressed.jpg', await jpeg(image, 40), { split: sample.split ?? '' }),
  ],
  'a copy at another size': [
    'near-duplicate',
    async ({ sample, image, add }) => {
      const small = resizeImage(image, Math.round(image.width * 0.6), Math.round(image.height * 0.6));
      return add('resized.png', await encodePng(small), { split: sample.split ?? '' });
    },
  ],
  'a brighter copy': [
    'near-duplicate',
    async ({ sample, image, add }) => {
      const brighter = { ...image, data: image.data.map(value => Math.round(10 + 0.94 * value)) };
      return add('brighter.png', await encodePng(brighter), { split: sample.split ?? '' });
    },
  ],
  'the same source in another split': [
    'leak',
    async ({ sample, image, add }) =>
      add(`${basename(sample.image).replace(/(_fake|_orig|_t)?\.\w+$/, '')}_t.jpg`, await jpeg(image, 60), {
        split: otherSplit,
        set: sample.set,
      }),
  ],
  'a recompressed copy in another split': [
    'leak',
    async ({ image, add }) => add('elsewhere.jpg', await jpeg(image, 60), { split: otherSplit }),
  ],
  'a file name that another one has': [
    'duplicate-name',
    async ({ sample, image, add }) =>
      add(`named/${basename(sample.image).replace(/\.\w+$/, '')}.png`, await encodePng(flipHorizontal(image)), {
        split: sample.split ?? '',
      }),
  ],
  'an authentic picture with a mask': ['contradiction', ({ setRow }) => Promise.resolve(setRow({ kind: 'authentic' }))],
  'a tampered picture without a mask': ['missing-mask', ({ setRow }) => Promise.resolve(setRow({ mask: '' }))],
};

/** The next sample of which at least 2 % is tampered: in tiny masks some defects cannot be told from others. */
async function nextLarge(candidates: Iterator<Sample>): Promise<Pick<Site, 'sample' | 'bytes' | 'image' | 'truth'>> {
  for (let next = candidates.next(); !next.done; next = candidates.next()) {
    const sample = next.value;
    const bytes = new Uint8Array(await readFile(sample.image));
    const image = await decodeImage(bytes, sample.image);
    const truth = await readTruth(sample, image);
    if (tamperedFraction(truth) >= 0.02) return { sample, bytes, image, truth };
  }
  throw new Error(`plantDefects: needs ${Object.keys(plants).length} samples of which at least 2 % is tampered`);
}

/**
 * Plants each kind of defect once into the tampered samples of an index, which is to be a copy: it changes the files
 * and the index.
 *
 * @param split - of the samples that are taken; all without
 */
export async function plantDefects(index: string, seed: number, split?: string): Promise<Planted[]> {
  const folder = dirname(index);
  const lines = (await readFile(index, 'utf8')).trimEnd().split(/\r?\n/);
  const columns = lines[0]!.split(',');
  const rowOf = (line: string): Record<string, string> =>
    Object.fromEntries(line.split(',').map((cell, i) => [columns[i]!, cell]));
  const lineOf = (row: Readonly<Record<string, string | undefined>>): string =>
    columns.map(column => row[column] ?? '').join(',');

  const { samples } = await listDataset(index, { split });
  const candidates = new Random(seed).shuffle(samples.filter(({ label }) => label === 1)).values();
  const planted: Planted[] = [];
  for (const [what, [kind, plant]] of Object.entries(plants)) {
    const { sample, bytes, image, truth } = await nextLarge(candidates);
    const line = lines.findIndex(text => rowOf(text)['image'] === sample.id);
    const site: Site = {
      sample,
      bytes,
      image,
      truth,
      row: rowOf(lines[line]!) as unknown as Row,
      add: async (file, content, row = {}) => {
        const id = `planted/${file}`;
        await mkdir(dirname(join(folder, id)), { recursive: true });
        await writeFile(join(folder, id), content);
        lines.push(lineOf({ set: 'planted', image: id, kind: 'authentic', ...row }));
        return id;
      },
      setMask: async mask =>
        writeFile(
          sample.mask!,
          mask.data.length === mask.width * mask.height ? await encodeMask(mask) : await encodePng(mask),
        ),
      setRow: row => void (lines[line] = lineOf({ ...rowOf(lines[line]!), ...row })),
    };
    const found = await plant(site);
    const id = typeof found === 'string' ? found : sample.id;
    planted.push({ what, kind, id, sample: sample.id });
  }
  await writeFile(index, `${lines.join('\n')}\n`);
  return planted;
}
