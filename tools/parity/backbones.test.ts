import { readFileSync } from 'node:fs';
import { build, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import type { Backbone } from '@forgelens/models';
import { P2t, PvtV2, ResNet, backbones, mit, normalizeImageNet, p2t, res2Net, resNeSt } from '@forgelens/models';
import { evaluation, namedParameters } from '@forgelens/nn';
import { expect, test } from 'vitest';
import type { Statistics } from './compare.ts';
import { Report } from './compare.ts';
import { parameterValue, testImage } from './generator.ts';

// Small encoders of each kind against what tools/golden/backbones.py computes with PyTorch.

type Fixture = Readonly<
  Record<Kind, { readonly shapes: Readonly<Record<string, number[]>>; readonly maps: readonly Statistics[] }>
> & { readonly size: number };
type Kind = 'res2net' | 'resnest' | 'mit' | 'p2t';

const fixture = JSON.parse(readFileSync(new URL('fixtures/backbones.json', import.meta.url), 'utf8')) as Fixture;
const tiny = { widths: [8, 16, 40, 64], depths: [1, 1, 2, 1] } as const;
const residual = { width: 8, depths: [1, 2, 1, 1] } as const;

const kinds: readonly (readonly [Kind, Backbone, keyof typeof backbones])[] = [
  ['res2net', new ResNet({ ...res2Net.r50, ...residual }), 'res2net-50'],
  ['resnest', new ResNet({ ...resNeSt.r50, ...residual }), 'resnest-50'],
  ['mit', new PvtV2({ ...mit.b2, ...tiny }), 'mit-b2'],
  ['p2t', new P2t({ ...p2t.small, ...tiny }), 'p2t-small'],
];

test.each(kinds)(
  '%s computes what PyTorch does, from weights by their published names',
  async (kind, network, name) => {
    const { officialName } = backbones[name];
    const parameters = [...namedParameters(network)].map(([ours, value]) => [officialName(ours), value] as const);
    const { shapes, maps } = fixture[kind];
    const sorted = (pairs: readonly (readonly [string, readonly number[]])[]) => Object.fromEntries([...pairs].sort());
    expect(sorted(parameters.map(([key, { shape }]) => [key, shape]))).toEqual(shapes);

    const image = testImage(2, fixture.size, 0);
    const x = input('float32', image.shape);
    const outputs = network.forward(normalizeImageNet(x), evaluation()).map((map, i) => [`map ${i}`, map] as const);
    const weights = new Map(
      parameters.map(([key, value]) => [value, { name: key, tensor: parameterValue(key, value.shape, 0) }] as const),
    );
    const graph = build({ inputs: { x }, outputs: Object.fromEntries(outputs), weights });
    const results = await runOnce(nodeCpu({ threads: 1 }), graph, { x: image });
    const report = new Report();
    for (const [i, [map]] of outputs.entries())
      report.statistics('maps', map, results[map]!.data as Float32Array, maps[i]!, 1e-4);
    expect(report.held, `${String(report)}\n(python3 tools/golden/backbones.py)`).toBe(true);
  },
);
