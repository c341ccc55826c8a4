import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LocatedImage } from '../tally.ts';
import { Tally } from '../tally.ts';
import golden from './fixtures/protocols.json' with { type: 'json' };
import { protocols } from './presets.ts';
import type { Protocol } from './protocol.ts';
import { resizeLevels } from './resize-levels.ts';

const images: readonly LocatedImage[] = golden.images.map(({ name, label, score, width, height, levels, map }) => ({
  id: name,
  set: 'shared',
  label: label as 0 | 1,
  score,
  width,
  height,
  levels: Uint8Array.from(levels),
  probabilities: Float32Array.from(map),
}));

/** The protocol where 256×256 is smaller, or the image's own size, as in the fixture. */
const atSize = (protocol: Protocol, resized: boolean): Protocol => ({
  ...protocol,
  size: protocol.size === 'image' || !resized ? 'image' : { width: golden.small, height: golden.small },
});

function measure(protocol: Protocol, images: readonly LocatedImage[]) {
  const tally = new Tally([protocol]);
  for (const image of images) tally.add(image);
  return tally.measure([])[0]!.overall;
}

const valueOf = (protocol: Protocol, images: readonly LocatedImage[], name: string) =>
  measure(protocol, images).find(measured => measured.name === name)!;

describe.each(golden.lists)('of $name (tools/golden/protocols.py)', ({ tamperedOnly, resized, values }) => {
  const list = images.filter(({ label }) => label === 1 || !tamperedOnly);
  test.each(Object.keys(protocols) as (keyof typeof protocols)[])('%s is what its original computes', name => {
    const measured = measure(atSize(protocols[name], resized), list);
    const expected = values[name] as Readonly<Record<string, number>>;
    for (const { name: key, value, errorBound } of measured) {
      if (value === null) {
        expect(expected, key).not.toHaveProperty([key]);
        continue;
      }
      // Originals that add 1e-8 or 1e-6 to denominators differ by less.
      expect(Math.abs(value - expected[key]!), `${key}: ${value}, not ${expected[key]}`).toBeLessThan(
        1e-6 + (errorBound ?? 0),
      );
    }
    expect(Object.keys(expected).filter(key => !measured.some(m => m.name === key))).toEqual([]);
  });
});

describe('quirks', () => {
  const one = (id: string, label: 0 | 1, map: number[], levels: number[]): LocatedImage => ({
    ...{ id, set: 's', label, score: 0.5, width: map.length, height: 1 },
    probabilities: Float32Array.from(map),
    levels: Uint8Array.from(levels),
  });
  const perfect = one('perfect', 1, [0.9, 0.9, 0.1, 0.1], [255, 255, 0, 0]);
  const spared = one('spared', 0, [0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0]);

  test('a perfect detector scores 0.5 by imdlbenco where half of the images are authentic, and 1 by ours', () => {
    expect(valueOf(protocols.imdlbenco, [perfect, spared], 'F1')).toMatchObject({ value: 0.5, images: 2 });
    expect(valueOf(protocols.forgelens, [perfect, spared], 'F1')).toMatchObject({ value: 1, images: 1 });
  });
  test('an authentic image that is left alone is 1 by m2sformer, F1 0 and IoU 1 by mpc', () => {
    expect(valueOf({ ...protocols.m2sformer, size: 'image' }, [spared], 'DSC').value).toBe(1);
    expect(valueOf(protocols.mpc, [spared], 'F1').value).toBe(0);
    expect(valueOf(protocols.mpc, [spared], 'IoU').value).toBe(1);
  });
  test('nothing tampered and nothing marked is F1 1 and IoU 0 by cdfl and sdpal', () => {
    const native: Protocol = { ...protocols.sdpal, size: 'image' };
    expect(['F1', 'IoU', 'precision', 'AUC'].map(name => valueOf(native, [spared], name).value)).toEqual([
      1, 0, 1, 0.5,
    ]);
  });
  test('a pixel at exactly 0.5 is tampered by m2sformer only, and one at 0.499 by mpc too', () => {
    const pixel = (p: number) => one('pixel', 1, [p, 0], [255, 0]);
    expect(valueOf({ ...protocols.m2sformer, size: 'image' }, [pixel(0.5)], 'DSC').value).toBe(1);
    expect(valueOf(protocols.imdlbenco, [pixel(0.5)], 'F1').value).toBe(0);
    expect(valueOf(protocols.mpc, [pixel(0.499)], 'F1').value).toBe(1);
    expect(valueOf(protocols.mpc, [pixel(0.498)], 'F1').value).toBe(0);
  });
  test('the inverse is counted where it is taken', () => {
    const inverted = one('inverted', 1, [0.1, 0.1, 0.9, 0.9], [255, 255, 0, 0]);
    expect(valueOf(protocols.imdlbenco, [perfect, inverted], 'F1 (double)')).toMatchObject({ value: 1, inverted: 1 });
    expect(valueOf(protocols.imdlbenco, [perfect, inverted], 'F1')).toMatchObject({ value: 0.5, inverted: null });
  });
  test('what is undefined is left out and counted', () => {
    const whole = one('whole', 1, [0.9, 0.9], [255, 255]);
    expect(valueOf(protocols.forgelens, [perfect, whole], 'AUC')).toMatchObject({ value: 1, images: 1, undefined: 1 });
    expect(valueOf(protocols.forgelens, [whole], 'AUC')).toMatchObject({ value: null, images: 0, undefined: 1 });
  });
  test('marking everything is the floor: 2p / (1 + p), and as much by any best threshold', () => {
    const p = 0.25;
    const quarter = one('quarter', 1, [0.1, 0.2, 0.3, 0.4], [255, 0, 0, 0]);
    for (const [protocol, name] of [
      [protocols.forgelens, 'F1'],
      [protocols.forgelens, 'pooled F1'],
      [protocols.imdlbenco, 'F1'],
    ] as const)
      expect(valueOf(protocol, [quarter], name).markEverything).toBeCloseTo((2 * p) / (1 + p), 12);
    expect(valueOf(protocols.forgelens, [quarter], 'pooled AUC').markEverything).toBe(0.5);
    expect(valueOf(protocols.forgelens, [quarter], 'pooled AP').markEverything).toBe(p);
    const best = valueOf(protocols.forgelens, [quarter], 'F1, best threshold of each image (oracle)');
    expect(best.value).toBeGreaterThanOrEqual(best.markEverything!);
  });
  test('no image gives null and no NaN', () => {
    for (const protocol of Object.values(protocols))
      for (const { value } of measure(protocol, [])) expect(value).toBeNull();
  });
});

describe('a tally', () => {
  // Together they have measures of every kind.
  const { forgelens, sdpal, safire } = protocols;
  const all = [forgelens, sdpal, safire].map(protocol => atSize(protocol, true));
  const outcome = (tally: Tally) => [tally.measure(['shared']), tally.summarize(null), tally.rows()];
  const whole = () => {
    const tally = new Tally(all);
    for (const image of images) tally.add(image);
    return outcome(tally);
  };
  test.each([
    [1, 4],
    [7, 1],
    [32, 4],
  ])('is the same to the last bit in batches of %i on %i workers, in any order', (batch, workers) => {
    const parts = Array.from({ length: workers }, () => new Tally(all));
    for (const [i, image] of images.toReversed().entries()) parts[Math.floor(i / batch) % workers]!.add(image);
    const merged = new Tally(all);
    for (const part of parts) merged.merge(structuredClone(part.toParts()));
    expect(outcome(merged)).toEqual(whole());
  });
  test('is plain JSON without NaN', () => {
    const found = whole();
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });
});

test('levels that are resized stay between the levels around, and flat ones stay flat', () => {
  const side = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(side, side, side, side, fc.nat(255), (width, height, toWidth, toHeight, level) => {
      const flat = new Uint8Array(width * height).fill(level);
      expect(resizeLevels(flat, { width, height }, toWidth, toHeight)).toEqual(
        new Uint8Array(toWidth * toHeight).fill(level),
      );
    }),
  );
});
