/** TraceNet as it is exported, in Chromium; tools/browser/exported.ts does it for any model, and on WebGPU. */
import { openModel } from '@forgelens/localize';
import { expect, test } from 'vitest';
import { whyNot } from './chromium.ts';
import { compareWithChromium } from './exported.ts';

const skipped = whyNot();
const title = (name: string): string => (skipped === null ? name : `${name} (skipped: ${skipped})`);

for (const precision of ['float32', 'float16'] as const)
  test.skipIf(skipped !== null)(
    title(`exported as ${precision}, TraceNet marks in Chromium what it does in Node`),
    async () => {
      const options = { provider: 'wasm', size: 256, precision } as const;
      const { pixels, marked, disagreeing } = await compareWithChromium(await openModel('tracenet'), options);
      // The picture has something to find, so that this is no agreement of two empty masks.
      expect(marked).toBeGreaterThan(0.01 * pixels);
      expect(disagreeing).toBeLessThan(0.001 * pixels);
    },
  );
