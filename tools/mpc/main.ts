/**
 * What stage 1 of MPC has learned:
 *
 *     npx tsx tools/mpc/main.ts <checkpoint of mpc-contrast or mpc> --data <index.csv or folder> --out <folder>
 *         [--split dev] [--limit 16] [--size 512]
 *
 * For each tampered picture it groups the pixels in two by their features and prints two F1: with the smaller group
 * taken as tampered, as in the official validation, and with whichever group fits the mask better, which says how well
 * the features separate. Into the folder goes one PNG a picture: the picture, its mask, the features' three principal
 * components as colours, and the smaller group.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CheckpointError, UsageError, build, input, sigmoid } from '@forgelens/autograd';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { readDataset } from '@forgelens/data';
import type { Image } from '@forgelens/imaging';
import { encodePng, filledImage, readImage, readMask, resizeImage, resizeMap, toTensor } from '@forgelens/imaging';
import { countPixels, f1 } from '@forgelens/metrics';
import { MpcContrast, bindWeights, hrFormer, readCheckpoint } from '@forgelens/models';
import { evaluation } from '@forgelens/nn';
import { principalColours } from './principal-colours.ts';

/** Height and width of each of the four parts of a picture, px. */
const shown = 256;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    split: { type: 'string' },
    limit: { type: 'string', default: '16' },
    size: { type: 'string', default: '512' },
  },
});
const [path] = positionals;
if (path === undefined || values.data === undefined || values.out === undefined)
  throw new UsageError('mpc: needs a checkpoint, --data and --out; see the top of tools/mpc/main.ts');
const size = Number(values.size);

const checkpoint = readCheckpoint(readFileSync(path), path);
const spec = checkpoint.model;
if (spec?.id !== 'mpc' && spec?.id !== 'mpc-contrast')
  throw new CheckpointError(path, `holds weights of ${spec?.id ?? 'no named network'}, not of MPC`);
const { backbone = 'base' } = spec;
const network = new MpcContrast({ backbone: typeof backbone === 'string' ? hrFormer[backbone] : backbone });
const encoder = Object.entries(checkpoint.weights).filter(([name]) => name.startsWith('encoder.'));
const image = input('float32', [1, 3, size, size]);
const { logits, maps } = network.forward(image, evaluation());
const executable = await nodeCpu().compile(
  build({
    inputs: { image },
    outputs: { probabilities: sigmoid(logits), features: maps[0]! },
    weights: bindWeights(network, Object.fromEntries(encoder), path),
  }),
);

/** Pictures of one size beside each other. */
function beside(images: readonly Image[]): Image {
  const joined = filledImage(images.length * shown, shown);
  for (const [i, part] of images.entries())
    for (let y = 0; y < shown; y++)
      joined.data.set(part.data.subarray(y * shown * 3, (y + 1) * shown * 3), (y * joined.width + i * shown) * 3);
  return joined;
}

const grey = (levels: ArrayLike<number>, width: number, height: number): Image =>
  resizeImage(
    {
      width,
      height,
      data: Uint8Array.from({ length: width * height * 3 }, (_, i) => 255 * levels[Math.floor(i / 3)]!),
    },
    shown,
    shown,
  );

mkdirSync(values.out, { recursive: true });
const samples = (await readDataset(values.data, values.split === undefined ? {} : { split: values.split }))
  .filter(({ mask }) => mask !== null)
  .slice(0, Number(values.limit));
const scores: { readonly smaller: number; readonly better: number }[] = [];
for (const sample of samples) {
  const [picture, mask] = [await readImage(sample.image), await readMask(sample.mask!)];
  const results = await executable.run({ image: toTensor([resizeImage(picture, size, size)]) });
  const small = results['probabilities']!.data as Float32Array;
  const map = resizeMap(small, { width: size, height: size }, mask.width, mask.height);
  const score = (probabilities: Float32Array): number => f1(countPixels(probabilities, mask.data, 0.5)) ?? 0;
  const smaller = score(map);
  const better = Math.max(smaller, score(map.map(p => 1 - p)));
  scores.push({ smaller, better });
  console.log(`${sample.id}: F1 ${smaller.toFixed(3)} of the smaller group, ${better.toFixed(3)} of the better`);

  const { data, shape } = results['features']!;
  const colours = {
    width: shape[3]!,
    height: shape[2]!,
    data: principalColours(data as Float32Array, shape[1]!),
  };
  const parts = [
    resizeImage(picture, shown, shown),
    grey(mask.data, mask.width, mask.height),
    resizeImage(colours, shown, shown),
    grey(
      map.map(p => (p > 0.5 ? 1 : 0)),
      mask.width,
      mask.height,
    ),
  ];
  const name = `${sample.id.replace(/[^\w.-]+/g, '-')}.png`;
  writeFileSync(join(values.out, name), await encodePng(beside(parts)));
}
await executable.close();
const mean = (key: 'smaller' | 'better'): string =>
  (scores.reduce((sum, score) => sum + score[key], 0) / scores.length).toFixed(3);
console.log(
  `${scores.length} pictures: mean F1 ${mean('smaller')} of the smaller group, ${mean('better')} of the better; pictures in ${values.out}`,
);
