import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import { build } from '../graph.ts';
import * as ops from '../ops/index.ts';
import type { Weight } from '../graph.ts';
import type { FileTensor } from '../tensor.ts';
import { float32, int64, Tensor } from '../tensor.ts';
import { constant, input, scalar } from '../value.ts';
import { ModelProtoSchema } from './generated/onnx_pb.ts';
import { writeOnnx } from './writer.ts';

/** The written file, read back. */
function written(...args: Parameters<typeof writeOnnx>) {
  const model = writeOnnx(...args);
  return { model, file: fromBinary(ModelProtoSchema, model.bytes) };
}

test('a graph becomes an ONNX model of standard operators', () => {
  const [image, weight, steps] = [input('float32', [1, 3, 8, 8]), input('float32', [4, 3, 3, 3]), input('int64', [])];
  const logits = ops.leakyRelu(ops.conv2d(image, weight, { stride: 2, padding: [1, 0] }), 0.25);
  const tensor = float32([4, 3, 3, 3], new Float32Array(108).fill(0.5));
  const { model, file } = written(
    build({
      inputs: { image },
      outputs: { logits },
      state: { steps: { value: steps, next: ops.add(steps, scalar(1, 'int64')) } },
      weights: new Map([[weight, { name: 'conv.weight', tensor }]]),
    }),
    { metadata: { model: 'test' } },
  );
  expect(file.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 20n]]);
  expect([file.irVersion, file.producerName, file.metadataProps.map(({ key, value }) => [key, value])]).toEqual([
    9n,
    'forgelens',
    [['model', 'test']],
  ]);
  const { node, initializer, input: inputs, output: outputs } = file.graph!;
  expect(node.map(({ opType, input, output }) => `${opType}(${input.join(', ')}) → ${output.join(', ')}`)).toEqual([
    'Conv(image, conv.weight) → Conv_0',
    'LeakyRelu(Conv_0) → logits',
    'Add(steps, constant_1) → next.steps',
  ]);
  const attributes = Object.fromEntries(
    node[0]!.attribute.map(({ name, ints, i }) => [name, ints.length > 0 ? ints.map(Number) : Number(i)]),
  );
  expect(attributes).toEqual({
    kernel_shape: [3, 3],
    strides: [2, 2],
    pads: [1, 0, 1, 0],
    dilations: [1, 1],
    group: 1,
  });
  expect(node[1]!.attribute.map(({ name, f }) => [name, f])).toEqual([['alpha', 0.25]]);
  expect(
    initializer.map(({ name, dims, dataType, rawData }) => [name, dims.map(Number), dataType, rawData.length]),
  ).toEqual([
    ['conv.weight', [4, 3, 3, 3], 1, 432],
    ['constant_1', [], 7, 8],
  ]);
  expect(inputs.map(({ name }) => name)).toEqual(['image', 'steps']);
  expect(outputs.map(({ name }) => name)).toEqual(['logits', 'next.steps']);
  expect(model.inputs).toEqual({ image: { dtype: 'float32', shape: [1, 3, 8, 8] } });
  expect(model.outputs).toEqual({ logits: { dtype: 'float32', shape: [1, 4, 4, 3] } });
  expect(model.state).toEqual({ steps: { dtype: 'int64', shape: [] } });
  expect([...model.nodes.keys()]).toEqual(['Conv_0', 'LeakyRelu_1', 'Add_2']);
});

test('equal small constants are written once, others each', () => {
  const x = input('float32', [2]);
  const y = [
    scalar(2),
    scalar(2),
    scalar(3),
    constant(float32([1], [2])),
    constant(float32([2], [0, 0])),
    constant(float32([2], [0, -0])),
  ].reduce<typeof x>(ops.add, x);
  const { file } = written(
    build({ inputs: { x }, outputs: { y, a: scalar(2, 'int64'), b: constant(int64([], [2])) } }),
  );
  const zeros = file.graph!.initializer.filter(({ dims }) => dims.length === 1 && dims[0] === 2n);
  expect(zeros.map(({ rawData }) => rawData[7])).toEqual([0, 128]);
  expect(file.graph!.initializer.map(({ dims, dataType }) => [dims.map(Number), dataType])).toEqual([
    [[], 1],
    [[], 1],
    [[1], 1],
    [[2], 1],
    [[2], 1],
    [[], 7],
  ]);
});

test('the same graph gives the same bytes', () => {
  const graph = () => {
    const x = input('float32', [2, 3]);
    return build({ inputs: { x }, outputs: { y: ops.softmax(ops.mul(x, scalar(2))) } });
  };
  expect(writeOnnx(graph()).bytes).toEqual(writeOnnx(graph()).bytes);
});

test('an output that is an input, a constant or another output gets its name by an Identity', () => {
  const x = input('float32', [2]);
  const y = ops.relu(x);
  const { file } = written(build({ inputs: { x }, outputs: { y, again: y, same: x, one: scalar(1) } }));
  expect(file.graph!.node.map(({ opType, input, output }) => `${opType}(${input.join()}) → ${output.join()}`)).toEqual([
    'Relu(x) → y',
    'Identity(y) → again',
    'Identity(x) → same',
    'Identity(constant_0) → one',
  ]);
});

test('a weight stored in another dtype is cast to the one it is used in', () => {
  const [x, w] = [input('float32', [2]), input('float32', [2])];
  const halves = new Tensor('float16', [2], Uint16Array.of(0x3c00, 0xc000));
  const weights = new Map([[w, { name: 'w', tensor: halves }]]);
  const { file } = written(build({ inputs: { x }, outputs: { y: ops.mul(x, w) }, weights }));
  expect(
    file.graph!.node.map(({ opType, input, output }) => `${opType}(${input.join(', ')}) → ${output.join()}`),
  ).toEqual(['Cast(w) → w as float32', 'Mul(x, w as float32) → y']);
  expect(file.graph!.initializer.map(({ dataType, rawData }) => [dataType, rawData.length])).toEqual([[10, 4]]);
});

test('large tensors can be left out of the file, which refers to them by their names', () => {
  const [x, w] = [input('float32', [300]), input('float32', [300])];
  const tensor = float32([300], Array(300).fill(2));
  const graph = build({ inputs: { x }, outputs: { y: ops.mul(x, w) }, weights: new Map([[w, { name: 'w', tensor }]]) });
  const { model, file } = written(graph, { external: true });
  expect(model.external).toEqual({ w: tensor.bytes });
  expect(model.external['w']!.buffer).toBe(tensor.data.buffer);
  const [initializer] = file.graph!.initializer;
  expect(initializer!.rawData.length).toBe(0);
  expect(initializer!.externalData.map(({ key, value }) => `${key} ${value}`)).toEqual([
    'location w',
    'offset 0',
    'length 1200',
  ]);
  expect(written(graph).model.external).toEqual({});
});

test('weights in a file are referred to by their place in it, and the rest is in the model', () => {
  const file = { folder: '/checkpoints', name: 'best.safetensors', length: 5000, modifiedMs: 1 };
  const place = { dtype: 'float32', shape: [300], file, offset: 64 } as const;
  const [x, v, w] = [input('float32', [300]), input('float32', [300]), input('float32', [300])];
  const graphOf = (other: Tensor | FileTensor) =>
    build({
      inputs: { x },
      outputs: { y: ops.add(ops.mul(x, w), v) },
      weights: new Map<typeof x, Weight>([
        [v, { name: 'v', tensor: other }],
        [w, { name: 'w', tensor: place }],
      ]),
    });
  const { model, file: read } = written(graphOf(float32([300], Array(300).fill(2))), { external: true });
  expect(model.weightsFile).toBe(file);
  expect(model.external).toEqual({});
  const [first, second] = read.graph!.initializer;
  expect([first!.name, first!.rawData.length]).toEqual(['v', 1200]);
  expect(second!.externalData.map(({ key, value }) => `${key} ${value}`)).toEqual([
    'location best.safetensors',
    'offset 64',
    'length 1200',
  ]);

  expect(() => writeOnnx(graphOf(place))).toThrow(
    'writeOnnx: the weight "v" is still in best.safetensors; read it first',
  );
  const elsewhere = { ...place, file: { ...file, name: 'last.safetensors' } };
  expect(() => writeOnnx(graphOf(elsewhere), { external: true })).toThrow(
    'writeOnnx: weights are in two files, last.safetensors and best.safetensors; read those of one first',
  );
});
