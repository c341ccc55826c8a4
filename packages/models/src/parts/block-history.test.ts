import { Random, Tensor, build, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { randomTensor } from '@forgelens/autograd/testing';
import { evaluation, initialize, namedParameters } from '@forgelens/nn';
import { expect, test } from 'vitest';
import { BlockHistory } from './block-history.ts';

const [size, blocks] = [80, 10];

/** What is seen of a picture, and of the same moved to the right: [channels, blocks, blocks]. */
async function see(shift: number): Promise<Float32Array> {
  const history = new BlockHistory(2);
  const weights = initialize(history, 1);
  const picture = randomTensor([1, 3, size, size], new Random(1));
  const moved = new Tensor('float32', picture.shape);
  for (let i = 0; i < moved.size; i++) moved.data[i] = i % size < shift ? 0 : picture.data[i - shift]! * 0.05;
  const image = input('float32', picture.shape);
  const map = history.forward(image, evaluation());
  const bound = new Map(
    [...namedParameters(history)].map(([name, value]) => [value, { name, tensor: weights[name]! }]),
  );
  const graph = build({ inputs: { image }, outputs: { map }, weights: bound });
  return (await runOnce(nodeCpu({ threads: 1 }), graph, { image: moved }))['map']!.data as Float32Array;
}

test('a picture that moves by a block is seen alike a block further, and otherwise when it leaves its grid', async () => {
  const [still, byBlock, byPixel] = [await see(0), await see(8), await see(1)];
  const differences = (moved: Float32Array, by: number) => {
    let most = 0;
    // Away from the borders, which are seen through zeros.
    for (let y = 2; y < blocks - 2; y++)
      for (let x = 2; x < blocks - 3; x++)
        for (const c of [0, 1]) {
          const at = (c * blocks + y) * blocks + x;
          most = Math.max(most, Math.abs(moved[at + by]! - still[at]!));
        }
    return most;
  };
  expect(differences(byBlock, 1)).toBeLessThan(1e-4);
  expect(differences(byPixel, 0)).toBeGreaterThan(1e-2);
});
