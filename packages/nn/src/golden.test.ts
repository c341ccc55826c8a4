import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  Value,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  build,
  conv2d,
  convTranspose2d,
  gelu,
  grad,
  groupNorm,
  input,
  layerNorm,
  matmul,
  maxPool2d,
  mul,
  readSafetensors,
  relu,
  resizeBilinear,
  resizeNearest,
  scalar,
  sigmoid,
  softmax,
  transposeLast,
} from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { difference } from '@forgelens/autograd/testing';
import { BatchNorm2d, Context, bceWithLogits, dice, sigmoidFocal } from './index.ts';

// Functions, layers and losses against the float64 results of PyTorch that tools/golden/nn.py recorded.

/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-argument
   -- each function finds its own arguments in the fixture */

type Inputs = Readonly<Record<string, Value>>;
/** One value, which is compared as `y` or `loss`, or several by name. */
type Case = (inputs: any, attributes: any) => Value | Inputs;

function batchNorm({ x, ...parameters }: Inputs, { training, ...config }: { training: boolean }): Inputs {
  const layer = Object.assign(new BatchNorm2d(4, config), parameters);
  const ctx = new Context({ training });
  const y = layer.forward(x!, ctx);
  if (!training) return { y };
  return {
    y,
    nextRunningMean: ctx.updates.get(layer.runningMean)!,
    nextRunningVar: ctx.updates.get(layer.runningVar)!,
  };
}

const cases: Readonly<Record<string, Case>> = {
  conv2d: ({ x, w, bias }, attrs) => conv2d(x, w, attrs, bias),
  convTranspose2d: ({ x, w }, attrs) => convTranspose2d(x, w, attrs),
  batchNorm,
  layerNorm: ({ x, weight, bias }, { eps }) => layerNorm(x, weight, bias, eps),
  groupNorm: ({ x, weight, bias }, { groups, eps }) => groupNorm(x, groups, weight, bias, eps),
  relu: ({ x }) => relu(x),
  gelu: ({ x }) => gelu(x),
  sigmoid: ({ x }) => sigmoid(x),
  silu: ({ x }) => mul(x, sigmoid(x)),
  softmax: ({ x }, { axis }) => softmax(x, axis),
  attention: ({ q, k, v }, { scale }) => matmul(softmax(mul(matmul(q, transposeLast(k)), scalar(scale))), v),
  resizeBilinear: ({ x }, { size, alignCorners }) => resizeBilinear(x, size, alignCorners),
  resizeNearest: ({ x }, { size }) => resizeNearest(x, size),
  maxPool2d: ({ x }, { kernelSize, ...attrs }) => maxPool2d(x, kernelSize, attrs),
  avgPool2d: ({ x }, { kernelSize, ...attrs }) => avgPool2d(x, kernelSize, attrs),
  adaptiveAvgPool2d: ({ x }, { size }) => adaptiveAvgPool2d(x, size),
  adaptiveMaxPool2d: ({ x }, { size }) => adaptiveMaxPool2d(x, size),
  bceWithLogits: ({ logits, mask, ...options }) => bceWithLogits(logits, mask, options),
  dice: ({ logits, mask }, { smooth }) => dice(logits, mask, smooth),
  focal: ({ logits, mask }, options) => sigmoidFocal(logits, mask, options),
};

const runtime = nodeCpu();

describe.each(['conv', 'norm', 'activation', 'resize', 'pool', 'loss'])('%s as in PyTorch', family => {
  const file = readFileSync(new URL(`fixtures/${family}.safetensors`, import.meta.url));
  const { tensors, metadata } = readSafetensors(file);
  const { generator, torch, ...attributes } = metadata;

  test.each(Object.keys(attributes))('%s', async name => {
    const expected = new Map(
      [...tensors].flatMap(([key, x]) => (key.startsWith(`${name}.`) ? [[key.slice(name.length + 1), x]] : [])),
    );
    const isGradient = (part: string) => part !== 'dy' && part.startsWith('d') && expected.has(part.slice(1));
    const isResult = (part: string) => /^(y|loss|next.*)$/.test(part) || isGradient(part);
    const fed = Object.fromEntries([...expected].filter(([part]) => !isResult(part)));
    const inputs = Object.fromEntries(Object.entries(fed).map(([part, { shape }]) => [part, input('float32', shape)]));

    const { dy, ...given } = inputs;
    const result = cases[name.split('.')[0]!]!(given, JSON.parse(attributes[name]!));
    const outputs: Record<string, Value> = result instanceof Value ? { [dy ? 'y' : 'loss']: result } : { ...result };
    const gradients = [...expected.keys()].filter(isGradient);
    const of = gradients.map(part => given[part.slice(1)]!);
    for (const [i, dx] of grad(Object.values(outputs)[0]!, of, dy).entries()) outputs[gradients[i]!] = dx!;

    const actual = await runOnce(runtime, build({ inputs, outputs }), fed);
    expect(Object.keys(actual).sort()).toEqual([...expected.keys()].filter(isResult).sort());
    for (const [part, x] of Object.entries(actual)) {
      const problem = difference(x, expected.get(part)!, { rtol: 1e-5, atol: 1e-5 });
      expect(problem, `${part} (expected by ${generator}, PyTorch ${torch})`).toBeNull();
    }
  });
});
