/** What somebody says that a network takes for one image of 256 × 256 px. */
export interface StatedCost {
  /** Who says so, and where. */
  readonly source: string;
  readonly parameters: number;
  /** Multiply-adds, each counted once. */
  readonly multiplyAdds: number;
  /** Why ours differ, in parameters at all or in multiply-adds by more than 1 %. */
  readonly difference?: string;
}

const publication = 'published: Nam et al. 2025, https://arxiv.org/abs/2506.20922, table of costs';
/** Convolutions and matrix products, counted while the authors' PyTorch code ran. */
const officialCode = 'counted: the official code in PyTorch 1.13';

const unusedDecoder = 'the official code holds a decoder of 263,681 parameters that it never calls';

/** What is stated of networks by their ids, for `forgelens models info` to show beside what ours take. */
export const statedCosts: Readonly<Record<string, readonly StatedCost[]>> = {
  unet: [
    {
      source: publication,
      parameters: 29.9e6,
      multiplyAdds: 104.3e9,
      difference: 'ours is narrower: it has four resolutions of 64 to 512 channels',
    },
  ],
  m2sformer: [
    {
      source: publication,
      parameters: 27.4e6,
      multiplyAdds: 14.2e9,
      difference:
        "the authors' own code has 28,149,291 parameters, and 27,492,521 with one scale branch instead of two; " +
        'no way of counting gives 14.2 G for it',
    },
    { source: officialCode, parameters: 28_149_291, multiplyAdds: 10.24e9 },
  ],
  cdfl: [
    {
      source: officialCode,
      parameters: 78_895_266,
      multiplyAdds: 82.76e9,
      difference: `${unusedDecoder}; ours walks the graph without multiplying 1024 × 1024 matrices with each other`,
    },
  ],
  sdpal: [{ source: officialCode, parameters: 78_300_194, multiplyAdds: 84.05e9, difference: unusedDecoder }],
  mpc: [{ source: officialCode, parameters: 45_035_227, multiplyAdds: 22.3e9 }],
};
