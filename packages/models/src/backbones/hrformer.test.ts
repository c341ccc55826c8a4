import { input } from '@forgelens/autograd';
import { countParameters, evaluation } from '@forgelens/nn';
import { expect, test } from 'vitest';
import { HrFormer, hrFormer, hrFormerOfficialName } from './hrformer.ts';

const tiny = { widths: [4, 8, 12, 16], heads: [1, 2, 3, 4], modules: [1, 1, 1], blocks: 1, dropPath: 0 } as const;

test('HRFormer-base has the parameters of the official encoder to the last one', () => {
  expect(countParameters(new HrFormer(hrFormer.base))).toBe(44_040_666);
});

test('it gives four maps, each half as large as the one before', () => {
  const maps = new HrFormer(tiny).forward(input('float32', [2, 3, 64, 96]), evaluation());
  expect(maps.map(({ shape }) => shape)).toEqual([
    [2, 4, 16, 24],
    [2, 8, 8, 12],
    [2, 12, 4, 6],
    [2, 16, 2, 3],
  ]);
});

test('paths are dropped more often the deeper they are, alike on all resolutions', () => {
  const rates = new HrFormer({ ...tiny, blocks: 2, dropPath: 0.5 }).stages.map(([module]) =>
    module!.branches.map(branch => branch.map(block => block.dropPath.rate)),
  );
  const [two, three, four] = [
    [0, 0.1],
    [0.2, 0.3],
    [0.4, 0.5],
  ].map(pair => pair.map(rate => expect.closeTo(rate) as number));
  expect(rates).toEqual([
    [two, two],
    [three, three, three],
    [four, four, four, four],
  ]);
});

test.each([
  ['stem.1.conv.weight', 'conv2.weight'],
  ['layer1.0.spatial.norm.weight', 'layer1.0.bn2.weight'],
  ['layer1.0.shortcut.conv.weight', 'layer1.0.downsample.0.weight'],
  ['finest.norm.bias', 'transition1.0.1.bias'],
  ['coarser.0.conv.weight', 'transition1.1.0.0.weight'],
  ['coarser.2.norm.weight', 'transition3.3.0.1.weight'],
  ['stages.1.3.fuse.0.2.project.conv.weight', 'stage3.3.fuse_layers.0.2.0.weight'],
  ['stages.2.0.fuse.3.1.halve.1.project.norm.weight', 'stage4.0.fuse_layers.3.1.1.3.weight'],
  ['stages.0.0.branches.1.0.attn.q.bias', 'stage2.0.branches.1.0.attn.attn.q_proj.bias'],
  ['stages.0.0.branches.1.0.attn.bias', 'stage2.0.branches.1.0.attn.attn.relative_position_bias_table'],
  ['stages.0.0.branches.1.0.mlp.depthwise.bias', 'stage2.0.branches.1.0.mlp.dw3x3.bias'],
])('%s is %s in official checkpoints', (ours, official) => {
  expect(hrFormerOfficialName(ours)).toBe(official);
});
