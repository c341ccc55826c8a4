import { build, constant, float32, grad, input } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { countParameters, evaluation, initialize, namedParameters } from '@forgelens/nn';
import { expect, test } from 'vitest';
import { createBackbone } from './backbones/index.ts';
import type { PvtV2 } from './backbones/pvt-v2.ts';
import { bindWeights } from './checkpoint.ts';
import { M2SFormer, isHard, isUnsure } from './m2sformer.ts';
import { createNetwork } from './networks.ts';

const runtime = nodeCpu({ threads: 1 });
const size = 64;

test('M2SFormer on PVT-v2 B2 has the parameters of the official code to the last one', () => {
  expect(countParameters(createNetwork({ id: 'm2sformer' }))).toBe(28_149_291);
});

test('a text embedding of another shape is refused', () => {
  expect(
    () => new M2SFormer({ textEmbedding: float32([2, 3], [1, 2, 3, 4, 5, 6]) }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: M2SFormer: textEmbedding must be [2, 300] (rows "easy" and "hard"), got [2,3]]`,
  );
});

/** Logits that fall slowly across the outline `radius` around the middle. */
const shape = (radius: (angle: number) => number) =>
  float32(
    [1, 1, size, size],
    Array.from({ length: size * size }, (_, i) => {
      const [x, y] = [(i % size) - size / 2 + 0.5, Math.floor(i / size) - size / 2 + 0.5];
      return 0.5 * (radius(Math.atan2(y, x)) - Math.hypot(x, y));
    }),
  );

test("the paper's difficulty calls a disc easy and a ragged star hard", async () => {
  const difficulty = async (radius: (angle: number) => number) => {
    const { score, hard } = isHard(constant(shape(radius)), 'paper');
    const result = await runOnce(runtime, build({ inputs: {}, outputs: { score, hard } }));
    return { score: Number(result['score']!.data[0]), hard: Boolean(result['hard']!.data[0]) };
  };
  const [disc, star] = [await difficulty(() => 20), await difficulty(angle => 18 + 5 * Math.sin(10 * angle))];
  expect(disc.hard).toBe(false);
  expect(star.hard).toBe(true);
  // Sobel kernels that are not normalized give eight times the curvature, which is 1/20.
  expect(disc.score).toBeCloseTo(8 / 20, 1);
});

test('the simple difficulty calls a sure prior easy and an unsure one hard', async () => {
  const difficulty = async (logit: number) => {
    const { score, hard } = isUnsure(constant(float32([2, 1, 1, 2], [logit, -logit, logit, logit])));
    const result = await runOnce(runtime, build({ inputs: {}, outputs: { score, hard } }));
    return { score: [...result['score']!.data], hard: [...result['hard']!.data].map(Boolean) };
  };
  expect(await difficulty(0)).toEqual({ score: [1, 1], hard: [true, true] });
  // 1 − |2 sigmoid(±ln 3) − 1| = ½ is not above ½; beyond, it is less.
  expect((await difficulty(Math.log(3) + 0.1)).hard).toEqual([false, false]);
  expect((await difficulty(Math.log(3) - 0.1)).hard).toEqual([true, true]);
});

const ablation = (config: object) => new M2SFormer({ backbone: createBackbone('mit-b0'), ...config });

test.each([
  [{}, 0],
  [{ spectra: 1 }, 0],
  [{ scales: 1 }, -(256 * 256 * 9 + 2 * 256 * 128 + 128 + 2 * (256 + 128 + 256) + 2)],
  [{ scales: 3 }, 256 * 256 * 9 + 2 * 256 * 64 + 64 + 2 * (256 + 64 + 256) + 2],
  [{ difficulty: 'simple' }, 0],
  [{ difficulty: 'none' }, -14_308],
])('with %j it has %i parameters more, and all of them learn', (config, more) => {
  const network = ablation(config);
  expect(countParameters(network) - countParameters(ablation({}))).toBe(more);
  const [image, mask] = [input('float32', [1, 3, 32, 32]), input('float32', [1, 1, 32, 32])];
  const parameters = [...namedParameters(network)].filter(([, { kind }]) => kind === 'weight');
  const loss = network.loss(network.forward(image, evaluation()), mask);
  const gradients = grad(
    loss,
    parameters.map(([, value]) => value),
  );
  expect(parameters.map(([name]) => name).filter((_, i) => gradients[i] === null)).toEqual([]);
});

test('without guidance there is no difficulty', () => {
  const output = ablation({ difficulty: 'none' }).forward(input('float32', [1, 3, 32, 32]), evaluation());
  expect(output.difficulty).toBeNull();
  expect(output.prior.shape).toEqual([1, 1, 32, 32]);
});

test.each([[{ spectra: 17 }], [{ spectra: 0.5 }], [{ scales: 4 }], [{ scales: 0 }]])('%j is refused', config => {
  expect(() => ablation(config)).toThrowErrorMatchingSnapshot();
});

test('an encoder is named in full, or a size of PVT-v2 alone', () => {
  const parameters = (spec: object) => countParameters(createNetwork({ id: 'm2sformer', ...spec }));
  expect(parameters({ backbone: 'b0' })).toBe(parameters({ backbone: 'pvt-v2-b0' }));
  expect(parameters({ backbone: 'mit-b0' })).toBe(countParameters(ablation({})));
  expect(() => parameters({ backbone: 'b6' })).toThrow(/^unknown backbone "b6" \(backbones: resnet-50, /);
});

test("the paper's mode gives finite gradients, and none to the edge head, which its loss does not know", async () => {
  const network = createNetwork({ id: 'm2sformer', backbone: 'pvt-v2-b0', mode: 'paper' }) as M2SFormer;
  const [image, mask] = [input('float32', [1, 3, 32, 32]), input('float32', [1, 1, 32, 32])];
  const loss = network.loss(network.forward(image, evaluation()), mask);
  const { encoder, skips, decoder, prior, regionHead, edgeHead } = network;
  const weights = {
    stem: (encoder as PvtV2).stages[0]!.patchEmbed.proj.weight,
    alpha: skips.scales[1]!.alpha,
    text: decoder[0]!.guidance!.reduce.weight,
    prior: prior.weight,
    region: regionHead.weight,
  };
  expect(grad(loss, [edgeHead.weight])).toEqual([null]);
  const gradients = grad(loss, Object.values(weights));
  const outputs = Object.fromEntries(Object.keys(weights).map((name, i) => [name, gradients[i]!]));
  const graph = build({
    inputs: { image, mask },
    outputs: { loss, ...outputs },
    weights: bindWeights(network, initialize(network, 1)),
  });
  const wave = (n: number) => Float32Array.from({ length: n }, (_, i) => 0.5 + 0.5 * Math.sin(i));
  const half = Float32Array.from({ length: 32 * 32 }, (_, i) => (i % 32 < 16 ? 1 : 0));
  const results = await runOnce(runtime, graph, {
    image: float32([1, 3, 32, 32], wave(3 * 32 * 32)),
    mask: float32([1, 1, 32, 32], half),
  });
  for (const [name, { data }] of Object.entries(results)) {
    const norm = Math.hypot(...(data as Float32Array));
    expect(norm, name).toBeGreaterThan(0);
    expect(norm, name).toBeLessThan(1e4);
  }
});
