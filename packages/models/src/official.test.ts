import { readFileSync } from 'node:fs';
import type { Shape } from '@forgelens/autograd';
import { CheckpointError, float32, int64, readPytorch, Tensor, writeSafetensors } from '@forgelens/autograd';
import { namedParameters } from '@forgelens/nn';
import { describe, expect, test } from 'vitest';
import { bindWeights, inOfficialNames, readCheckpoint } from './checkpoint.ts';
import type { ModelDefinition } from './network.ts';
import { createNetwork } from './networks.ts';
import { m2sformer } from './m2sformer.ts';
import { matchOfficial, officialNames, readOfficial } from './official.ts';
import { officialCheckpoint, small } from './testing.ts';

const zeros = (shape: Shape) => new Tensor('float32', shape);

const official = readPytorch(readFileSync(officialCheckpoint)) as Map<string, unknown>;
const stateDict = official.get('state_dict') as Map<string, unknown>;
const names = ['0.weight', '0.bias', '1.weight', '1.bias', '1.running_mean', '1.running_var', '2.weight', '2.bias'];

describe('an official checkpoint', () => {
  const renamed = (rename: (name: string) => string) =>
    new Map([...stateDict].map(([name, tensor]) => [rename(name.replace('module.', '')), tensor]));

  test('gives the tensors of a network by their official names, from wherever they are and with known prefixes', () => {
    for (const saved of [
      official,
      stateDict,
      renamed(name => name),
      new Map([['net', renamed(name => name)]]),
      new Map<string, unknown>([
        ['model', null],
        ['model_state_dict', stateDict],
      ]),
    ]) {
      const matched = matchOfficial(saved, small, 'a.pth');
      expect([...matched.keys()]).toEqual(names);
      expect(matched.get('2.weight')!.read().shape).toEqual([1, 2, 1, 1]);
    }
  });

  test('may be of an encoder that was trained by itself', () => {
    const stage: ModelDefinition = { ...small, officialName: name => `encoder.${small.officialName!(name)}` };
    for (const saved of [stateDict, renamed(name => name), renamed(name => `encoder.${name}`)])
      expect([...matchOfficial(saved, stage, 'a.pth').keys()]).toEqual(names.map(name => `encoder.${name}`));
  });

  test('is refused with every name that is missing, extra, of another shape or not of floats', () => {
    const wrong = renamed(name => name.replace('2.bias', 'classifier.bias'));
    wrong.set('0.weight', wrong.get('2.weight'));
    wrong.set('1.bias', wrong.get('1.num_batches_tracked'));
    expect(() => matchOfficial(wrong, small, 'a.pth')).toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: a.pth: 4 names do not fit the 8 of small: 0.weight is float32 [1,2,1,1], not of floats [2,3,3,3], 1.bias is int64 [], not of floats [2], missing 2.bias [1], extra classifier.bias [1]; use the official checkpoint of this very network]`,
    );
  });

  test('is read from its file, or refused as no checkpoint', () => {
    const bytes = readFileSync(officialCheckpoint);
    expect([...readOfficial(bytes, small, 'a.pth').keys()]).toEqual(names);
    expect(() => readOfficial(bytes.subarray(0, 2000), small, 'a.pth')).toThrow(
      new CheckpointError('a.pth', 'is a zip archive that is cut off or damaged; copy it again'),
    );
  });

  test('without weights is refused with what is there', () => {
    const empty = new Map<string, unknown>([
      ['epoch', 3],
      ['optimizer', new Map()],
    ]);
    expect(() => matchOfficial(empty, small, 'a.pth')).toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: a.pth: holds no weights: neither tensors by name, nor any under state_dict, model_state_dict, model, net, network, weights, but epoch, optimizer]`,
    );
    expect(() => matchOfficial(null, small, 'a.pth')).toThrow('but none of these');
  });
});

test('a file in official names is read into ours', () => {
  const spec = { id: 'm2sformer', backbone: 'pvt-v2-b0' } as const;
  const network = createNetwork(spec);
  const parameters = namedParameters(network);
  const byOfficialName = new Map(
    [...officialNames(network, m2sformer)].map(([name, ours]) => [name, zeros(parameters.get(ours)!.shape)]),
  );
  const read = readCheckpoint(writeSafetensors(byOfficialName, { model: JSON.stringify(spec), ...inOfficialNames }));
  expect(read.weights['encoder.stages.0.block.0.attn.q.weight']!.shape).toEqual([32, 32]);
  expect(bindWeights(network, read.weights).size).toBe(parameters.size);
});

test('official names of a network that is not known here stay as they are', () => {
  const file = writeSafetensors(
    { w: float32([1], [1]), n: int64([], [1]) },
    { model: '{"id":"later"}', names: 'official' },
  );
  expect(Object.keys(readCheckpoint(file).weights)).toEqual(['w', 'n']);
});
