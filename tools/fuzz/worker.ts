/** A worker without a network: what is fuzzed is everything else. */
import { seenWhole } from '@forgelens/localize';
import { runWorker } from '@forgelens/server';

await runWorker(() =>
  Promise.resolve({
    info: {
      ...{ id: 'none', version: '1', name: 'None', parameters: 0, licence: 'none needed' },
      ...{ weightsSha256: '0'.repeat(64), input: 'nothing', sizePolicy: 'native' as const },
      ...{ scoreRule: 'always 0', operatingPoint: null, limitations: [] },
    },
    locate: ({ width, height }) =>
      Promise.resolve({ width, height, probabilities: new Float32Array(width * height), score: 0, seen: seenWhole }),
    close: () => Promise.resolve(),
  }),
);
