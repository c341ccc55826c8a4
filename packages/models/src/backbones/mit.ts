import type { PvtV2Config } from './pvt-v2.ts';

const shared = { heads: [1, 2, 5, 8], mlpRatios: [4, 4, 4, 4], reductions: [8, 4, 2, 1], dropPath: 0.1 } as const;

/**
 * MiT B0 to B5, the encoders of SegFormer: the same network as PVT-v2, whose feed-forward parts are wider in the first
 * two stages. Its published weights have the same names.
 *
 * Xie et al. 2021, https://arxiv.org/abs/2105.15203.
 */
export const mit = {
  b0: { ...shared, widths: [32, 64, 160, 256], depths: [2, 2, 2, 2] },
  b1: { ...shared, widths: [64, 128, 320, 512], depths: [2, 2, 2, 2] },
  b2: { ...shared, widths: [64, 128, 320, 512], depths: [3, 4, 6, 3] },
  b3: { ...shared, widths: [64, 128, 320, 512], depths: [3, 4, 18, 3] },
  b4: { ...shared, widths: [64, 128, 320, 512], depths: [3, 8, 27, 3] },
  b5: { ...shared, widths: [64, 128, 320, 512], depths: [3, 6, 40, 3] },
} as const satisfies Record<string, PvtV2Config>;
