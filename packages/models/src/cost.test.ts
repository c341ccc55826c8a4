import { describe, expect, test } from 'vitest';
import { costOfNetwork } from './cost.ts';
import type { ModelDefinition } from './network.ts';
import { networks } from './networks.ts';
import { statedCosts } from './stated-costs.ts';

const totalOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe.each(Object.entries(networks) as [string, ModelDefinition][])('%s', (id, definition) => {
  const cost = costOfNetwork(definition.create(), 256);

  test('takes what is stated of it, or the difference is explained', () => {
    for (const { source, parameters, multiplyAdds, difference } of statedCosts[id] ?? []) {
      const off = Math.abs(totalOf(cost.multiplyAdds) / multiplyAdds - 1);
      const same = cost.parameters === parameters && off < 0.01;
      expect(same, `${source}: ${cost.parameters} parameters, multiply-adds off by ${off}`).toBe(
        difference === undefined,
      );
    }
  });

  test('takes more than three times the work and the memory for twice the height and width', () => {
    const twice = costOfNetwork(definition.create(), 512);
    expect(totalOf(twice.multiplyAdds) / totalOf(cost.multiplyAdds)).toBeGreaterThan(3);
    expect(twice.activationBytes.peak / cost.activationBytes.peak).toBeGreaterThan(3);
    expect(cost.activationBytes.sum).toBeGreaterThan(cost.activationBytes.peak);
    expect(twice.parameters).toBe(cost.parameters);
  });
});

test('a size that does not suit the network is refused by it', () => {
  expect(() => costOfNetwork(networks.tracenet.create(), 250)).toThrow(
    'TraceNet: height and width must be divisible by 16, got 250×250; pad the image first',
  );
});
