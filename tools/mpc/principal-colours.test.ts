import { Random } from '@forgelens/autograd';
import { expect, test } from 'vitest';
import { principalColours } from './principal-colours.ts';

test('what varies most is red, what varies next is green, and what does not vary is grey', () => {
  const [pixels, random] = [200, new Random('colours')];
  const along = (scale: number) => Array.from({ length: pixels }, () => scale * random.normal());
  const [most, next] = [along(10), along(3)];
  const colours = principalColours(Float32Array.from([...next, ...Array<number>(pixels).fill(7), ...most]), 3);
  const correlation = (channel: number, values: readonly number[]) => {
    const shade = values.map((_, p) => colours[p * 3 + channel]! - 127.5);
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    return Math.abs(dot(shade, values) / Math.sqrt(dot(shade, shade) * dot(values, values)));
  };
  expect(correlation(0, most)).toBeGreaterThan(0.95);
  expect(correlation(1, next)).toBeGreaterThan(0.95);
  expect(Array.from({ length: pixels }, (_, p) => colours[p * 3 + 2]!).every(blue => Math.abs(blue - 127.5) <= 1)).toBe(
    true,
  );
});
