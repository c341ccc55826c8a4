/**
 * The mean of the weights of several trainings of one network, to go on from:
 *
 *     npx tsx tools/models/average.ts <out.safetensors> <checkpoint> <checkpoint>...
 *
 * It is of use where the trainings began with the same weights, so that between what they came to the loss is low.
 * Wortsman et al. 2022, "Model soups", https://arxiv.org/abs/2203.05482
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { CheckpointError, UsageError, float32, writeSafetensors } from '@forgelens/autograd';
import { bindWeights, createNetwork, readCheckpoint } from '@forgelens/models';

const [out, ...paths] = process.argv.slice(2);
if (out === undefined || paths.length < 2) throw new UsageError('average: give an output and two checkpoints or more');
const checkpoints = paths.map(path => {
  const checkpoint = readCheckpoint(readFileSync(path), path);
  if (checkpoint.model === null) throw new CheckpointError(path, 'does not say which network its weights are of');
  bindWeights(createNetwork(checkpoint.model), checkpoint.weights, path);
  return checkpoint;
});
const [first, ...others] = checkpoints as [(typeof checkpoints)[number], ...typeof checkpoints];
for (const [i, { model }] of others.entries())
  if (JSON.stringify(model) !== JSON.stringify(first.model))
    throw new CheckpointError(
      paths[i + 1]!,
      `holds weights of ${JSON.stringify(model)}, but ${paths[0]} of ${JSON.stringify(first.model)}`,
    );
const mean = Object.entries(first.weights).map(([name, { shape, data }]) => {
  const sums = Float32Array.from(data, Number);
  for (const { weights } of others) weights[name]!.data.forEach((value, i) => (sums[i]! += Number(value)));
  return [
    name,
    float32(
      shape,
      sums.map(sum => sum / checkpoints.length),
    ),
  ] as const;
});
writeFileSync(out, writeSafetensors(Object.fromEntries(mean), first.metadata));
console.log(`${out}: the mean of ${checkpoints.length} checkpoints`);
