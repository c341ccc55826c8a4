import type { NetworkSpec } from './networks.ts';

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
        '14.2 G seem to be of 352 × 352 px and without the products of attention: ours takes 13.45 G then',
    },
    { source: officialCode, parameters: 28_149_291, multiplyAdds: 10.24e9 },
  ],
  cdfl: [
    {
      source: officialCode,
      parameters: 78_895_266,
      multiplyAdds: 82.76e9,
      // 82.76 − 3.22 + 1.62 = 81.16: nothing else differs.
      difference: `${unusedDecoder}; its walk multiplies three pairs of 1024 × 1024 matrices, 3.22 G, where ours takes 1.62 G`,
    },
  ],
  sdpal: [{ source: officialCode, parameters: 78_300_194, multiplyAdds: 84.05e9, difference: unusedDecoder }],
  mpc: [{ source: officialCode, parameters: 45_035_227, multiplyAdds: 22.3e9 }],
};

/** A row of the publication's ablations of M2SFormer, and the configuration that is ours of it. */
export interface StatedAblation {
  readonly setting: string;
  readonly config: Omit<Extract<NetworkSpec, { readonly id: 'm2sformer' }>, 'id'>;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Its tables of the skip attention, of the decoder and of backbones; the whole network is the same in all three. */
export const m2sformerAblations: readonly StatedAblation[] = [
  { setting: 'the whole network (S3)', config: {}, parameters: 27.4e6, multiplyAdds: 14.2e9 },
  {
    setting: 'S0: one frequency, one scale',
    config: { spectra: 1, scales: 1 },
    parameters: 26.2e6,
    multiplyAdds: 13.8e9,
  },
  { setting: 'S1: one frequency', config: { spectra: 1 }, parameters: 27.4e6, multiplyAdds: 14.2e9 },
  { setting: 'S2: one scale', config: { scales: 1 }, parameters: 26.2e6, multiplyAdds: 13.8e9 },
  { setting: 'no guidance', config: { difficulty: 'none' }, parameters: 26.9e6, multiplyAdds: 13e9 },
  { setting: 'simple difficulty', config: { difficulty: 'simple' }, parameters: 27.4e6, multiplyAdds: 14e9 },
  { setting: 'ResNet-50', config: { backbone: 'resnet-50' }, parameters: 25.7e6, multiplyAdds: 14.9e9 },
  { setting: 'Res2Net-50', config: { backbone: 'res2net-50' }, parameters: 25.9e6, multiplyAdds: 15.9e9 },
  { setting: 'ResNeSt-50', config: { backbone: 'resnest-50' }, parameters: 27.6e6, multiplyAdds: 18e9 },
  { setting: 'MiT-B2', config: { backbone: 'mit-b2' }, parameters: 26.2e6, multiplyAdds: 12.3e9 },
  { setting: 'P2T-Small', config: { backbone: 'p2t-small' }, parameters: 25.6e6, multiplyAdds: 13.5e9 },
];
