import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,apps,tools}/**/*.test.ts'],
    // onnxruntime-node starts its own threads; two workers fill a small machine.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
