/**
 * How well copies are found: pairs that are right among those that are told (precision), and pictures with a right pair
 * among all (recall).
 *
 *     npx tsx tools/evidence/copy-move.ts [--data <index.csv> --split dev --sets comofod_tp] [--data-only]
 *
 * Made cases: in parts of 256 × 256 px of `examples/authentic`, an ellipse is laid elsewhere as it is, turned, scaled or
 * mirrored, and the picture is kept as PNG or saved as JPEG. A pair is right when half of its matches are where the
 * copy was laid, to 4 px. Of a data set, whose masks mark both places, a pair is right when seven tenths of its points lie
 * in the mask at both ends; of its authentic pictures, those with any pair are counted.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '@forgelens/autograd';
import { readDataset, readTruth } from '@forgelens/data';
import type { MatchedPair, Point } from '@forgelens/evidence';
import { evidenceKinds } from '@forgelens/evidence';
import { codecTools } from '@forgelens/evidence/tools';
import { crop, encodeJpeg, decodeImage, readImage } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging';

const side = 256;
const copyMove = evidenceKinds.find(({ id }) => id === 'copy-move')!;

async function findPairs(image: Image): Promise<readonly MatchedPair[]> {
  const subject = { path: '', bytes: new Uint8Array(), format: 'png', image, jpeg: null, tools: codecTools };
  return (await copyMove.find(subject)).pairs ?? [];
}

/** How a copy differs from its source: turned by degrees, scaled, and mirrored left to right before that. */
interface Change {
  readonly name: string;
  readonly turn?: number;
  readonly scale?: number;
  readonly mirror?: boolean;
}

const changes: readonly Change[] = [
  { name: 'moved' },
  ...[5, 20, 45, 90].map(turn => ({ name: `turned by ${turn}°`, turn })),
  ...[0.8, 0.9, 1.1, 1.2, 1.5].map(scale => ({ name: `scaled by ${scale}`, scale })),
  { name: 'mirrored', mirror: true },
];
/** JPEG qualities; null is PNG. */
const savings = [null, 90, 75];

interface Forgery {
  readonly image: Image;
  /** From a place in the copy to the place that it came from; null outside of the copy. */
  readonly source: (x: number, y: number) => Point | null;
}

/** Lays an ellipse of `image` elsewhere. Its middle, axes and destination are drawn. */
function copyWithin(image: Image, { turn = 0, scale = 1, mirror = false }: Change, random: Random): Forgery {
  const [radiusX, radiusY] = [random.uniform(24, 36), random.uniform(24, 36)];
  const reach = Math.ceil(Math.max(radiusX, radiusY) * Math.max(1, scale)) + 2;
  const place = () => ({ x: random.integer(reach, side - reach), y: random.integer(reach, side - reach) });
  let [from, to] = [place(), place()];
  while (Math.hypot(from.x - to.x, from.y - to.y) < 2 * reach) [from, to] = [place(), place()];
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const source = (x: number, y: number): Point | null => {
    const [dx, dy] = [(x - to.x) / scale, (y - to.y) / scale];
    const [u, v] = [(mirror ? -1 : 1) * (cos * dx + sin * dy), cos * dy - sin * dx];
    return (u / radiusX) ** 2 + (v / radiusY) ** 2 <= 1 ? { x: from.x + u, y: from.y + v } : null;
  };
  const data = Uint8Array.from(image.data);
  for (let y = to.y - reach; y < to.y + reach; y++)
    for (let x = to.x - reach; x < to.x + reach; x++) {
      const at = source(x, y);
      if (at !== null) data.set(colourAt(image, at), 3 * (y * side + x));
    }
  return { image: { ...image, data }, source };
}

/** Between pixels linearly. */
function colourAt({ width, data }: Image, { x, y }: Point): number[] {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [fx, fy, i] = [x - left, y - top, 3 * (top * width + left)];
  return [0, 1, 2].map(c => {
    const upper = (1 - fx) * data[i + c]! + fx * data[i + 3 + c]!;
    const lower = (1 - fx) * data[i + 3 * width + c]! + fx * data[i + 3 * width + 3 + c]!;
    return Math.round((1 - fy) * upper + fy * lower);
  });
}

function isRight({ matches }: MatchedPair, source: Forgery['source']): boolean {
  const near = (copy: Point, original: Point) => {
    const at = source(copy.x, copy.y);
    return at !== null && Math.hypot(at.x - original.x, at.y - original.y) <= 4;
  };
  return matches.filter(([a, b]) => near(a, b) || near(b, a)).length >= matches.length / 2;
}

interface Tally {
  pictures: number;
  found: number;
  pairs: number;
  right: number;
}

const newTally = (): Tally => ({ pictures: 0, found: 0, pairs: 0, right: 0 });

function count(tally: Tally, pairs: readonly boolean[]): void {
  tally.pictures++;
  tally.pairs += pairs.length;
  tally.right += pairs.filter(Boolean).length;
  if (pairs.includes(true)) tally.found++;
}

const ratio = (part: number, whole: number): string => (whole === 0 ? '–' : (part / whole).toFixed(2));

async function made(): Promise<void> {
  const examples = join(import.meta.dirname, '../../examples/authentic');
  const recalls = new Map(changes.map(({ name }) => [name, savings.map(newTally)]));
  for (const name of readdirSync(examples)) {
    const photograph = await readImage(join(examples, name));
    const random = new Random(name);
    const left = random.integer(0, photograph.width - side);
    const top = random.integer(0, photograph.height - side);
    for (const change of changes) {
      const { image, source } = copyWithin(crop(photograph, left, top, side, side), change, random);
      for (const [i, quality] of savings.entries()) {
        const saved = quality === null ? image : await decodeImage(await encodeJpeg(image, { quality }), name);
        count(
          recalls.get(change.name)![i]!,
          (await findPairs(saved)).map(pair => isRight(pair, source)),
        );
      }
    }
  }
  const all = [...recalls.values()].flat();
  const sum = (key: keyof Tally) => all.reduce((total, tally) => total + tally[key], 0);
  console.table(
    Object.fromEntries(
      Array.from(recalls, ([name, tallies]) => [
        name,
        Object.fromEntries(
          tallies.map(({ found, pictures }, i) => [
            savings[i] === null ? 'PNG' : `JPEG ${savings[i]}`,
            ratio(found, pictures),
          ]),
        ),
      ]),
    ),
  );
  console.log(
    `${sum('pictures')} pictures; precision of pairs ${ratio(sum('right'), sum('pairs'))} of ${sum('pairs')}`,
  );
}

async function ofData(data: string, split: string | undefined, sets: readonly string[] | undefined): Promise<void> {
  const tampered = newTally();
  const authentic = { pictures: 0, told: 0 };
  const samples = (await readDataset(data)).filter(
    sample => (!split || sample.split === split) && (!sets || sets.includes(sample.set)),
  );
  for (const sample of samples) {
    const image = await readImage(sample.image);
    const mask = await readTruth(sample, image);
    const inside = ({ x, y }: Point) => mask.data[Math.min(y, image.height - 1) * image.width + x] === 1;
    const pairs = await findPairs(image);
    const rights = pairs.map(
      ({ matches }) => matches.filter(([a, b]) => inside(a) && inside(b)).length >= 0.7 * matches.length,
    );
    if (sample.label === 1) count(tampered, rights);
    else authentic.pictures++;
    if (sample.label === 0 && pairs.length > 0) authentic.told++;
    if (sample.label === 1 || pairs.length > 0)
      console.log(`${sample.id}: ${rights.filter(Boolean).length} right of ${pairs.length} pairs`);
  }
  const { pictures, found, pairs, right } = tampered;
  console.log(
    `${pictures} tampered pictures: recall ${ratio(found, pictures)}, precision of pairs ${ratio(right, pairs)} of ${pairs}\n` +
      `${authentic.pictures} authentic pictures: a pair in ${authentic.told}`,
  );
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    split: { type: 'string' },
    sets: { type: 'string' },
    'data-only': { type: 'boolean', default: false },
  },
});
if (!values['data-only']) await made();
if (values.data !== undefined) await ofData(values.data, values.split, values.sets?.split(','));
