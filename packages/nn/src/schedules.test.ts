import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSafetensors } from '@forgelens/autograd';
import type { Plateau } from './index.ts';
import { afterValidation, constantRate, cosine, polynomial, startPlateau } from './index.ts';

type Attribute = 'learningRate' | 'warmupSteps' | 'totalSteps' | 'minimum' | 'factor' | 'patience' | 'threshold';

const { tensors, metadata } = readSafetensors(readFileSync(new URL('fixtures/schedule.safetensors', import.meta.url)));
const attributes = (name: string) => JSON.parse(metadata[name]!) as Record<Attribute, number>;
const numbers = (key: string): number[] => [...tensors.get(key)!.data].map(Number);

describe('schedules as in PyTorch (expected by tools/golden/nn.py)', () => {
  test.each(['plain', 'minimum', 'warmup'])('cosine %s', name => {
    const { learningRate, warmupSteps, totalSteps, minimum } = attributes(`cosine.${name}`);
    const schedule = cosine({ peak: learningRate, minimum, steps: totalSteps, warmupSteps });
    for (const [step, expected] of numbers(`cosine.${name}.learningRates`).entries())
      expect(schedule(step)).toBeCloseTo(expected, 8);
  });

  test.each(['min', 'max'])('plateau %s', name => {
    const { learningRate, ...config } = attributes(`plateau.${name}`);
    const expected = numbers(`plateau.${name}.learningRates`);
    let plateau = startPlateau(learningRate);
    for (const [i, value] of numbers(`plateau.${name}.values`).entries()) {
      plateau = afterValidation(plateau, name === 'max' ? -value : value, config);
      plateau = JSON.parse(JSON.stringify(plateau)) as Plateau; // as through a checkpoint
      expect(plateau.rate, `after value ${i}`).toBeCloseTo(expected[i]!, 8);
    }
  });
});

test('a constant rate stays', () => {
  expect([0, 1, 1000].map(constantRate(0.1))).toEqual([0.1, 0.1, 0.1]);
});

test('a polynomial falls from its peak to its minimum and stays there', () => {
  const linear = polynomial({ peak: 1, minimum: 0.5, steps: 10, power: 1 });
  expect([0, 5, 10, 20].map(linear)).toEqual([1, 0.75, 0.5, 0.5]);
  expect(polynomial({ peak: 1, steps: 4 })(2)).toBeCloseTo(0.5 ** 0.9, 12);
});

test('after the last step a cosine stays at its minimum', () => {
  expect(cosine({ peak: 1, minimum: 0.25, steps: 3 })(100)).toBe(0.25);
});

test('a warm-up must leave steps', () => {
  expect(() => cosine({ peak: 1, steps: 10, warmupSteps: 10 })).toThrow(
    'cosine: 10 warm-up steps must be fewer than all 10 steps',
  );
  expect(() => polynomial({ peak: 1, steps: 0 })).toThrow('polynomial: 0 warm-up steps must be fewer than all 0 steps');
});
