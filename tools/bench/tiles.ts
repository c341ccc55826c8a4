/**
 * How far the map of tiles is from the map of the whole picture, where both fit into memory:
 *
 *     npx tsx tools/bench/tiles.ts [--model <id|checkpoint>] [--scale 2]
 *
 * Each of `examples/authentic` and its mirror images make one picture of twice the size across and down (`--scale`), so
 * that it takes tiles but has the content of photographs.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Tensor } from '@forgelens/autograd';
import { build, input, sigmoid } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import type { Image } from '@forgelens/imaging';
import { padReflect, readImage, toTensor } from '@forgelens/imaging';
import { defaultModel, networkLocalizer, openModel, scoreOf, tileSize, tileSpans } from '@forgelens/localize';
import { bindWeights } from '@forgelens/models';
import { evaluation } from '@forgelens/nn';

/** Distances to the nearest border of a tile within the picture, px. */
const distances = [0, 8, 32, 64, 128, Infinity];

const { values } = parseArgs({
  options: { model: { type: 'string', default: defaultModel }, scale: { type: 'string', default: '2' } },
});
const opened = await openModel(values.model);
const { network, weights, sizePolicy, who } = opened;
if (sizePolicy.kind !== 'native') throw new Error(`${values.model} resizes pictures and uses no tiles`);
const { multiple } = sizePolicy;
const runtime = nodeCpu();
const localizer = networkLocalizer(network, weights, { ...opened, runtime });

async function mapOfWhole(picture: Image): Promise<Float32Array> {
  const [width, height] = [picture.width, picture.height].map(side => Math.ceil(side / multiple) * multiple) as [
    number,
    number,
  ];
  const image = input('float32', [1, 3, height, width]);
  const probabilities = sigmoid(network.forward(image, evaluation()).logits);
  const graph = build({ inputs: { image }, outputs: { probabilities }, weights: bindWeights(network, weights, who) });
  const padded = padReflect(picture, { right: width - picture.width, bottom: height - picture.height });
  const found = (await runOnce(runtime, graph, { image: toTensor([padded]) }))['probabilities'] as Tensor<'float32'>;
  return Float32Array.from({ length: picture.width * picture.height }, (_, i) => {
    return found.data[Math.floor(i / picture.width) * width + (i % picture.width)]!;
  });
}

/** For each place along an axis, how far the nearest border of a tile is. */
function distancesToBorders(extent: number): Float32Array {
  const spans = tileSpans(extent);
  const borders = spans.slice(1).map(({ start }) => start);
  for (const { start } of spans.slice(0, -1)) borders.push(start + tileSize);
  return Float32Array.from({ length: extent }, (_, x) =>
    borders.reduce((least, border) => Math.min(least, Math.abs(x + 0.5 - border)), Infinity),
  );
}

const sums = distances.slice(1).map(() => ({ pixels: 0, difference: 0, greatest: 0, disagree: 0 }));
const folder = join(import.meta.dirname, '../../examples/authentic');
for (const name of readdirSync(folder)) {
  const photograph = await readImage(join(folder, name));
  const extend = (side: number) => Math.round((Number(values.scale) - 1) * side);
  const picture = padReflect(photograph, { right: extend(photograph.width), bottom: extend(photograph.height) });
  const { width } = picture;
  const [whole, { probabilities, score, seen }] = [await mapOfWhole(picture), await localizer.locate(picture)];
  const [across, down] = [distancesToBorders(width), distancesToBorders(picture.height)];
  for (let i = 0; i < whole.length; i++) {
    const distance = Math.min(across[i % width]!, down[Math.floor(i / width)]!);
    const sum = sums[distances.findIndex(limit => limit > distance) - 1] ?? sums.at(-1)!;
    const difference = Math.abs(whole[i]! - probabilities[i]!);
    sum.pixels++;
    sum.difference += difference;
    sum.greatest = Math.max(sum.greatest, difference);
    if (whole[i]! > 0.5 !== probabilities[i]! > 0.5) sum.disagree++;
  }
  console.log(
    `${name}: ${width} × ${picture.height} px, ${seen.tiles?.columns} × ${seen.tiles?.rows} tiles; score ${score.toFixed(4)}, of the whole ${scoreOf(whole).toFixed(4)}`,
  );
}
await localizer.close();
const rows = sums.map(({ pixels, difference, greatest, disagree }) => ({
  pixels,
  'mean difference': (difference / pixels).toExponential(1),
  'greatest difference': greatest.toExponential(1),
  'on other sides of 0.5': `${((100 * disagree) / pixels).toFixed(3)} %`,
}));
console.table(Object.fromEntries(rows.map((row, i) => [`${distances[i]}–${distances[i + 1]} px from a border`, row])));
