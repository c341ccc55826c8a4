import { float32 } from '@forgelens/autograd';
import type { Runtime } from '@forgelens/autograd/runtime/node';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { createNetwork } from '@forgelens/models';
import { initialize } from '@forgelens/nn';
import { expect, test } from 'vitest';
import { exportModel } from './export-model.ts';
import { openModel } from './open-localizer.ts';

const runtime = nodeCpu({ threads: 1 });
const model = await openModel('tracenet');

test('a model is exported in half the space, and computes the same', async () => {
  const network = createNetwork({ id: 'unet', widths: [16, 32] });
  const unet = { ...model, network, weights: initialize(network, 1) };
  const [single, half] = [
    await exportModel(unet, { size: 16, precision: 'float32' }, runtime),
    await exportModel(unet, { size: 16, precision: 'float16' }, runtime),
  ];
  expect(single.difference).toBeLessThan(1e-6);
  expect(half.difference).toBeGreaterThan(1e-6);
  expect(half.difference).toBeLessThan(5e-3);
  expect(half.model.bytes.length / single.model.bytes.length).toBeLessThan(0.7);
});

test('the file says what it is', async () => {
  const { metadata, model: file } = await exportModel(model, { size: 32, precision: 'float16' }, runtime);
  const { weightsSha256, version, licence, limitations, ...rest } = metadata;
  expect({ weightsSha256, version, licence }).toEqual({
    weightsSha256: model.info.weightsSha256,
    version: model.info.version,
    licence: model.info.licence,
  });
  expect(limitations).toBe(model.info.limitations.join(' '));
  expect(rest).toMatchInlineSnapshot(`
    {
      "input": "image: float32 [1, 3, 32, 32], RGB, [0, 1], normalized by the network itself",
      "madeBy": "forgelens 0.1.0",
      "model": "tracenet",
      "name": "TraceNet, our compact localizer: residual filters, residual encoder, global comparison",
      "output": "probabilities: float32 [1, 1, 32, 32], of tampering, [0, 1]",
      "precision": "weights stored as float16, computed in float32",
      "sizePolicy": "native resolution, padded by reflection to a multiple of 16 px; tiles of 768 px (512 px over 67 megapixels) that overlap by at least 128 px when larger",
    }
  `);
  expect(Buffer.from(file.bytes).includes(metadata['input']!)).toBe(true);
});

test('a file that computes something else is not given out', async () => {
  /** A runtime that gives other probabilities than it should. */
  const wrong: Runtime = {
    ...runtime,
    async compile(graph) {
      const executable = await runtime.compile(graph);
      return { ...executable, run: async () => ({ probabilities: float32([1, 1, 16, 16], Array(256).fill(2)) }) };
    },
  };
  await expect(exportModel(model, { size: 16, precision: 'float32' }, wrong)).rejects.toThrow(
    /^the weights of tracenet: exported as float32, its probabilities differ by up to [12]\.\d, more than 0\.00001; nothing was written$/,
  );
});
