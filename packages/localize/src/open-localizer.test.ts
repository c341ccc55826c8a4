import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@forgelens/autograd';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { filledImage } from '@forgelens/imaging';
import type { NetworkSpec } from '@forgelens/models';
import { createNetwork, networks } from '@forgelens/models';
import { initialize } from '@forgelens/nn';
import { afterAll, expect, test } from 'vitest';
import { exportModel } from './export-model.ts';
import type { ShippedCard } from './model.ts';
import { operatingPointFor } from './model.ts';
import { networkLocalizer } from './network-localizer.ts';
import { modelCards, openLocalizer, openModel } from './open-localizer.ts';
import { scoreRule } from './score.ts';

const folder = mkdtempSync(join(tmpdir(), 'forgelens-localize-'));
afterAll(() => rmSync(folder, { recursive: true }));

const spec: NetworkSpec = { id: 'unet', widths: [4, 8] };
const weights = initialize(createNetwork(spec), 1);
const checkpoint = writeSafetensors(weights, { model: JSON.stringify(spec), step: '12', licence: 'CC0-1.0' });

function save(name: string, content: Uint8Array | string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** What opening says, without the folder and all models but the first; and that the runtime was closed. */
async function refusal(idOrPath: string): Promise<string> {
  const runtime = nodeCpu({ threads: 1 });
  let closed = 0;
  const error = await openLocalizer(idOrPath, { ...runtime, close: async () => void closed++ }).then(
    () => new Error('opened'),
    (error: Error) => error,
  );
  expect(closed).toBe(1);
  const message = error.message
    .replaceAll(`${folder}/`, '')
    .replace(/\(models: tracenet, .*?\)/, '(models: tracenet, …)');
  return `${error.name}: ${message}`;
}

test('a checkpoint is opened, says what it is, and finds the same in a worker while the event loop keeps turning', async () => {
  const path = save('unet.safetensors', checkpoint);
  const [inWorker, here] = [await openLocalizer(path), await openLocalizer(path, nodeCpu({ threads: 1 }))];
  expect(inWorker.info).toMatchObject({
    id: 'unet',
    version: '12',
    licence: 'CC0-1.0',
    parameters: 1761,
    weightsSha256: createHash('sha256').update(checkpoint).digest('hex'),
    scoreRule: 'mean of the highest 1 % of the probabilities',
  });
  const image = filledImage(700, 700, [10, 200, 90]);
  await inWorker.locate(image);
  let turns = 0;
  const count = setInterval(() => turns++, 1);
  const found = await inWorker.locate(image);
  clearInterval(count);
  expect(turns).toBeGreaterThan(3);
  expect((await here.locate(image)).score).toBeCloseTo(found.score, 6);
  await Promise.all([inWorker.close(), here.close()]);
});

test('weights that stay in the file give what they give in memory, here and as ONNX', async () => {
  const wide: NetworkSpec = { id: 'unet', widths: [16, 32] };
  const inMemory = initialize(createNetwork(wide), 1);
  const path = save('wide.safetensors', writeSafetensors(inMemory, { model: JSON.stringify(wide) }));
  const runtime = nodeCpu({ threads: 1 });
  const model = await openModel(path);
  expect('file' in model.weights['encoder.1.conv2.weight']!).toBe(true);
  const image = filledImage(32, 32, [10, 200, 90]);
  const [read, left] = await Promise.all(
    [inMemory, model.weights].map(weights =>
      networkLocalizer(model.network, weights, { runtime, ...model }).locate(image),
    ),
  );
  expect(left!.score).toBeCloseTo(read!.score, 6);
  const { difference } = await exportModel(model, { size: 32, precision: 'float32' }, runtime);
  expect(difference).toBeLessThan(1e-6);
});

test('every model has a card, and opens if it has weights', async () => {
  const cards = await modelCards();
  expect(cards.map(({ id }) => id)).toEqual(Object.keys(networks));
  for (const { id, weights, parameters } of cards)
    if (weights) {
      const localizer = await openLocalizer(id, nodeCpu({ threads: 1 }));
      expect(localizer.info).toMatchObject({ id, parameters, weightsSha256: weights.sha256, licence: weights.licence });
      expect((await localizer.locate(filledImage(16, 16))).probabilities).toHaveLength(256);
      await localizer.close();
    } else expect(await refusal(id)).toContain(`model "${id}" has no weights here`);
});

test('an operating point holds for the weights and the rule of the score that it was measured for, and for no others', async () => {
  const point = {
    score: 0.8,
    falseAlarmRate: 0.05,
    sensitivity: null,
    images: 200,
    sets: ['made-up'],
    degradations: [],
  };
  const card = { operatingPoint: { ...point, weightsSha256: 'a'.repeat(64), scoreRule } };
  expect(operatingPointFor(card, 'a'.repeat(64))).toEqual(point);
  expect(operatingPointFor(card, 'b'.repeat(64))).toBeNull();
  expect(
    operatingPointFor({ operatingPoint: { ...card.operatingPoint, scoreRule: 'other' } }, 'a'.repeat(64)),
  ).toBeNull();
  expect(operatingPointFor({}, 'a'.repeat(64))).toBeNull();
});

test('no shipped card has an operating point of other weights', async () => {
  for (const { id, weights, operatingPoint } of await modelCards())
    if (weights) {
      const file = new URL(`../weights/${id}/card.json`, import.meta.url);
      const written = (JSON.parse(readFileSync(file, 'utf8')) as ShippedCard).operatingPoint;
      expect(operatingPoint !== null, `measure the operating point of ${id} again`).toBe(written !== undefined);
    }
});

test('a model without weights says how to get some', async () => {
  expect(await refusal('m2sformer')).toMatchInlineSnapshot(
    `"UsageError: model "m2sformer" has no weights here; train it (forgelens train configs/m2sformer.yaml) and give the path of its checkpoint"`,
  );
});

test('what is neither a model nor a file is refused', async () => {
  expect(await refusal('unett')).toMatchInlineSnapshot(
    `"UsageError: unknown model "unett"; did you mean "unet"? (models: tracenet, …)"`,
  );
  expect(await refusal(folder)).toContain('and no such file');
});

test('a checkpoint that lacks a tensor is refused', async () => {
  const { 'head.bias': _, ...rest } = weights;
  const path = save('incomplete.safetensors', writeSafetensors(rest, { model: JSON.stringify(spec) }));
  expect(await refusal(path)).toMatchInlineSnapshot(
    `"CheckpointError: incomplete.safetensors: 1 names do not fit the network's 32: missing head.bias [1]; use the checkpoint of this very network"`,
  );
});

test('a checkpoint that is cut off is refused', async () => {
  expect(
    await refusal(save('short.safetensors', checkpoint.subarray(0, checkpoint.length - 10))),
  ).toMatchInlineSnapshot(
    `"CheckpointError: short.safetensors: is cut off: "head.weight" ends at byte 7296 of the data, but there are 7290; copy it again"`,
  );
  expect(await refusal(save('shorter.safetensors', checkpoint.subarray(0, 100)))).toMatchInlineSnapshot(
    `"CheckpointError: shorter.safetensors: is cut off in its header: 2704 bytes announced, 92 there; copy it again"`,
  );
  expect(await refusal(save('empty.safetensors', ''))).toMatchInlineSnapshot(
    `"CheckpointError: empty.safetensors: has 0 bytes, but the header's length alone takes 8; is it a safetensors file?"`,
  );
});

test('a file that is no checkpoint is refused', async () => {
  expect(await refusal(save('notes.txt', 'These are the notes of a meeting.'))).toMatchInlineSnapshot(
    `"CheckpointError: notes.txt: claims a header of 8241904413164530000 bytes, more than 100000000; is it a safetensors file?"`,
  );
});

test('a checkpoint that does not say its network, or one that nobody knows, is refused', async () => {
  expect(await refusal(save('bare.safetensors', writeSafetensors(weights)))).toMatchInlineSnapshot(
    `"CheckpointError: bare.safetensors: it does not say which network its weights belong to (metadata entry "model" is missing)"`,
  );
  const unknown = writeSafetensors(weights, { model: '{"id":"nasnet"}' });
  expect(await refusal(save('unknown.safetensors', unknown))).toMatchInlineSnapshot(
    `"CheckpointError: unknown.safetensors: its weights belong to the network "nasnet", which is not known here (models: tracenet, …); use the version that trained it"`,
  );
});
