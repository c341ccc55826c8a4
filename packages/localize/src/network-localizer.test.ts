import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Value } from '@forgelens/autograd';
import { Random, float32, relu } from '@forgelens/autograd';
import type { Executable, Runtime } from '@forgelens/autograd/runtime/node';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import type { Image } from '@forgelens/imaging';
import type { LocalizerNetwork, LocalizerOutput, SizePolicy } from '@forgelens/models';
import { Conv2d, bceWithLogits, initialize } from '@forgelens/nn';
import { describe, expect, test } from 'vitest';
import type { Localizer, ModelInfo } from './localizer.ts';
import { describeSizePolicy, networkLocalizer } from './network-localizer.ts';
import { tileSize, tileSpans } from './tiles.ts';

/** A network that looks at each pixel by itself, so that every value of its map is known. */
class Pointwise implements LocalizerNetwork {
  readonly head = new Conv2d(3, 1, 1);
  forward(image: Value): LocalizerOutput {
    return { logits: this.head.forward(image) };
  }
  loss({ logits }: LocalizerOutput, mask: Value): Value {
    return bceWithLogits(logits, mask);
  }
}
const weights = { 'head.weight': float32([1, 3, 1, 1], [3, 2, -4]), 'head.bias': float32([1], [-0.5]) };
const expectedAt = ({ data }: Image, i: number) =>
  1 / (1 + Math.exp(-(3 * data[3 * i]! + 2 * data[3 * i + 1]! - 4 * data[3 * i + 2]!) / 255 + 0.5));

/** A network that sees 4 px around each pixel. */
class Neighbours implements LocalizerNetwork {
  readonly first = new Conv2d(3, 4, 5, { padding: 2 });
  readonly head = new Conv2d(4, 1, 5, { padding: 2 });
  forward(image: Value): LocalizerOutput {
    return { logits: this.head.forward(relu(this.first.forward(image))) };
  }
  loss({ logits }: LocalizerOutput, mask: Value): Value {
    return bceWithLogits(logits, mask);
  }
}

const native: SizePolicy = { kind: 'native', multiple: 16 };
const open = (sizePolicy: SizePolicy = native, runtime: Runtime = nodeCpu({ threads: 1 }), maxBytes?: number) =>
  networkLocalizer(new Pointwise(), weights, {
    runtime,
    sizePolicy,
    info: { id: 'pointwise' } as ModelInfo,
    who: 'test',
    maxBytes,
  });

function noise(width: number, height: number): Image {
  const random = new Random(width * 1000 + height);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => random.integer(0, 256)) };
}

/** How far a map is from what the network says of each pixel. */
const worst = (image: Image, map: Float32Array) =>
  map.reduce((most, p, i) => Math.max(most, Math.abs(p - expectedAt(image, i))), 0);

/** The runtime, with what is compiled and closed on it written down. */
function watched(runtime = nodeCpu({ threads: 1 })) {
  const log: string[] = [];
  const watching: Runtime = {
    ...runtime,
    async compile(graph) {
      const [, , height, width] = graph.inputs['image']!.shape;
      const executable: Executable = await runtime.compile(graph);
      log.push(`open ${width}×${height}`);
      return { ...executable, close: () => (log.push(`close ${width}×${height}`), executable.close()) };
    },
    close: () => (log.push('close runtime'), runtime.close()),
  };
  return { log, runtime: watching };
}

test('a map that its caller lets go of is gone: of a huge image it is the largest thing there is', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const localizer = open();
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  registry.register((await localizer.locate(noise(48, 32))).probabilities, 'map');
  for (let i = 0; i < 20 && collected === 0; i++) {
    collect();
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  expect(collected).toBe(1);
  await localizer.close();
});

describe('networkLocalizer', () => {
  test.each([
    [1, 1],
    [16, 32],
    [5, 3],
    [33, 17],
    [tileSize, 1],
  ])('padding a %i×%i image changes no value of its map', async (width, height) => {
    const image = noise(width, height);
    const localizer = open();
    const found = await localizer.locate(image);
    expect(found).toMatchObject({ width, height });
    expect(found.probabilities).toHaveLength(width * height);
    expect(worst(image, found.probabilities)).toBeLessThan(1e-6);
    await localizer.close();
  });

  test.each([
    [tileSize + 1, 20],
    [7, 1600],
    [900, 777],
  ])('tiles of a %i×%i image are blended into what the whole would give', async (width, height) => {
    const image = noise(width, height);
    const { log, runtime } = watched();
    const localizer = open(native, runtime);
    const { probabilities, score } = await localizer.locate(image);
    expect(probabilities).toHaveLength(width * height);
    expect(worst(image, probabilities)).toBeLessThan(1e-6);
    expect(score).toBeGreaterThan(0.9);
    expect(log, 'all tiles have one size').toHaveLength(1);
    await localizer.close();
  });

  test('where memory is short tiles are smaller, the map is the same, and the model says so', async () => {
    // A run of 256 × 256 px computes two maps of float32 of that size.
    const localizer = open(native, nodeCpu({ threads: 1 }), 2 * 4 * 300 ** 2);
    const image = noise(300, 500);
    const { probabilities, seen } = await localizer.locate(image);
    expect(seen).toEqual({ scale: [1, 1], tiles: { size: 256, overlap: 128, columns: 2, rows: 3 } });
    expect(worst(image, probabilities)).toBeLessThan(1e-6);
    expect(localizer.info.sizePolicy).toContain('tiles of 256 px');
    await localizer.close();
  });

  test('the map of tiles is that of the whole but for as many pixels along their borders as the network sees around one', async () => {
    const network = new Neighbours();
    const random = initialize(network, 1);
    const [whole, tiled] = [Infinity, 3e6].map(maxBytes =>
      networkLocalizer(network, random, {
        ...{ runtime: nodeCpu({ threads: 1 }), sizePolicy: native, info: {} as ModelInfo, who: 'test', maxBytes },
      }),
    ) as [Localizer, Localizer];
    const image = noise(400, 48);
    const expected = await whole.locate(image);
    const found = await tiled.locate(image);
    expect([expected.seen.tiles, found.seen.tiles?.size]).toEqual([null, 256]);
    const spans = tileSpans(400, 256);
    const borders = spans.slice(1).map(({ start }) => start);
    for (const { start } of spans.slice(0, -1)) borders.push(start + 256);
    const [atBorders, elsewhere] = [[0], [0]];
    for (const [i, p] of found.probabilities.entries()) {
      const isAtBorder = borders.some(border => i % 400 >= border - 4 && i % 400 < border + 4);
      (isAtBorder ? atBorders : elsewhere).push(Math.abs(p - expected.probabilities[i]!));
    }
    expect(Math.max(...elsewhere)).toBeLessThan(1e-6);
    // A tile counts least where it ends: at most 3.5 of 128 parts.
    expect(Math.max(...atBorders)).toBeGreaterThan(1e-6);
    expect(Math.max(...atBorders)).toBeLessThan(3.5 / 128);
    await whole.close();
    await tiled.close();
  });

  test('memory that is too little for the smallest tile is refused', () => {
    expect(() => open(native, nodeCpu({ threads: 1 }), 1e5)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: test: a tile of 256 px takes 1 MB of memory but 1 MB are allowed; allow more]`,
    );
  });

  test('tells how many tiles are done, and ends before the next one when it is stopped', async () => {
    const localizer = open();
    const stop = new AbortController();
    const told: string[] = [];
    const found = localizer.locate(noise(2000, 4), {
      signal: stop.signal,
      onProgress(done, total) {
        told.push(`${done} of ${total}`);
        if (done === 2) stop.abort(new Error('too long'));
      },
    });
    await expect(found).rejects.toThrow('too long');
    expect(told).toEqual(['1 of 3', '2 of 3']);
    expect((await localizer.locate(noise(4, 4))).seen).toEqual({ scale: [1, 1], tiles: null });
    await localizer.close();
  });

  test('by the policy of resizing, the network sees its size and the map has the size of the image', async () => {
    const { log, runtime } = watched();
    const localizer = open({ kind: 'resize', size: 8 }, runtime);
    // Left half blue, right half red.
    const image = {
      width: 40,
      height: 3,
      data: Uint8Array.from({ length: 360 }, (_, i) => (i % 3 === (i % 120 < 60 ? 2 : 0) ? 255 : 0)),
    };
    const { probabilities, seen } = await localizer.locate(image);
    expect(seen).toEqual({ scale: [8 / 40, 8 / 3], tiles: null });
    expect(log).toEqual(['open 8×8']);
    expect(probabilities).toHaveLength(120);
    expect(probabilities[40]).toBeCloseTo(expectedAt(image, 0), 5);
    expect(probabilities[79]).toBeCloseTo(expectedAt(image, 39), 5);
    await localizer.close();
  });

  test('graphs of the four sizes used last are kept, and all are closed before the runtime', async () => {
    const { log, runtime } = watched();
    const localizer = open(native, runtime);
    for (const size of [16, 32, 48, 64, 16, 80, 16, 32]) await localizer.locate(noise(size, size));
    expect(log).toEqual([
      'open 16×16',
      'open 32×32',
      'open 48×48',
      'open 64×64',
      'close 32×32',
      'open 80×80',
      'close 48×48',
      'open 32×32',
    ]);
    await localizer.close();
    expect(log.slice(8)).toEqual(['close 64×64', 'close 80×80', 'close 16×16', 'close 32×32', 'close runtime']);
  });

  test('images that are asked for at once each get their own map, whichever graphs had to go', async () => {
    const localizer = open();
    const images = [16, 32, 48, 64, 80, 96, 16, 32].map(size => noise(size, size));
    const found = await Promise.all(images.map(image => localizer.locate(image)));
    for (const [i, image] of images.entries()) expect(worst(image, found[i]!.probabilities)).toBeLessThan(1e-6);
    await localizer.close();
  });

  test('an image that fails leaves the localizer as it was', async () => {
    const runtime = nodeCpu({ threads: 1 });
    let failures = 1;
    const failing: Runtime = {
      ...runtime,
      compile: graph => (failures-- > 0 ? Promise.reject(new Error('out of memory')) : runtime.compile(graph)),
    };
    const localizer = open(native, failing);
    const image = noise(4, 4);
    const [first, second] = await Promise.allSettled([localizer.locate(image), localizer.locate(image)]);
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'out of memory' } });
    expect(second.status).toBe('fulfilled');
    await localizer.close();
  });

  test('weights that do not fit are refused with the name that the caller gives them', () => {
    const { 'head.bias': _, ...rest } = weights;
    const options = {
      runtime: nodeCpu({ threads: 1 }),
      sizePolicy: native,
      info: {} as ModelInfo,
      who: 'a.safetensors',
    };
    expect(() => networkLocalizer(new Pointwise(), rest, options)).toThrowErrorMatchingInlineSnapshot(
      `[CheckpointError: a.safetensors: 1 names do not fit the network's 2: missing head.bias [1]; use the checkpoint of this very network]`,
    );
  });
});

test('size policies are stated in words', () => {
  expect(describeSizePolicy({ kind: 'resize', size: 256 })).toMatchInlineSnapshot(
    `"resized to 256 × 256 px, the map resized back"`,
  );
  expect(describeSizePolicy(native)).toMatchInlineSnapshot(
    `"native resolution, padded by reflection to a multiple of 16 px; tiles of 768 px (512 px over 67 megapixels) that overlap by at least 128 px when larger"`,
  );
});
