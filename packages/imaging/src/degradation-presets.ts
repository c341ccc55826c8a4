import type { Degradation, DegradationName } from './degradations.ts';

/** One degradation in rising or falling strength, for a curve. */
export interface DegradationSeries {
  readonly name: DegradationName | 'social_network';
  /** What is done at each point; an empty chain is the picture as it is. `value` is the point's place or name. */
  readonly levels: readonly { readonly value: number | string; readonly chain: readonly Degradation[] }[];
}

/** Degradations that belong together, as somebody has defined them. */
export interface DegradationPreset {
  readonly description: string;
  /** Where the definition is; null for our own. */
  readonly source: string | null;
  readonly series: readonly DegradationSeries[];
}

const series = (name: DegradationName, values: readonly number[]): DegradationSeries => ({
  name,
  levels: values.map(value => ({ value, chain: [{ name, value }] })),
});

/**
 * What large networks are known to do to an upload, as far as size and quality go: approximations, for the networks
 * change it without notice. `twice` was saved from one and sent by another.
 */
export const socialNetworks = {
  facebook: [
    { name: 'resize_longest', value: 2048 },
    { name: 'jpeg_quality', value: 83 },
  ],
  instagram: [
    { name: 'resize_longest', value: 1080 },
    { name: 'jpeg_quality', value: 75 },
  ],
  messenger: [
    { name: 'resize_longest', value: 1600 },
    { name: 'jpeg_quality', value: 70 },
  ],
  twice: [
    { name: 'resize_longest', value: 2048 },
    { name: 'jpeg_quality', value: 83 },
    { name: 'resize_longest', value: 1600 },
    { name: 'jpeg_quality', value: 70 },
  ],
} as const satisfies Record<string, readonly Degradation[]>;

const networks: DegradationSeries = {
  name: 'social_network',
  levels: Object.entries(socialNetworks).map(([value, chain]) => ({ value, chain })),
};

/** Suites of degradations, each as its authors define it; docs/degradations.md names the differences that remain. */
export const degradationPresets = {
  forgelens: {
    description: 'Everything that happens to a picture on its way, in steps that spread over what one meets.',
    source: null,
    series: [
      series('jpeg_quality', [95, 90, 80, 70, 60, 50]),
      series('webp_quality', [95, 90, 80, 70, 60, 50]),
      series('blur_sigma', [0.5, 1, 1.5, 2, 3]),
      series('noise_sigma', [1, 2, 4, 8, 16]),
      series('resize_scale', [1.5, 1.25, 0.9, 0.75, 0.5, 0.25]),
      series('crop_share', [0.9, 0.75, 0.5]),
      series('gamma', [0.5, 0.7, 0.85, 1.2, 1.5, 2]),
      networks,
    ],
  },
  imdlbenco: {
    description: 'IMDL-BenCo, test_robust.py: its noise numbers are variances, its blur numbers kernel widths.',
    source: 'https://github.com/scu-zjz/IMDLBenCo/blob/3efef9b/IMDLBenCo/training_scripts/test_robust.py',
    series: [
      {
        name: 'blur_kernel',
        levels: [{ value: 0, chain: [] }, ...series('blur_kernel', [3, 7, 11, 15, 19, 23]).levels],
      },
      series('noise_variance', [3, 7, 11, 15, 19, 23]),
      series('jpeg_quality', [100, 90, 80, 70, 60, 50]),
    ],
  },
  safire: {
    description:
      'SAFIRE, robust_image_aug.py: its noise numbers are standard deviations, its blur numbers kernel widths.',
    source: 'https://github.com/mjkwon2021/SAFIRE/blob/a064265/robust_image_aug.py',
    series: [
      series('blur_kernel', [3, 7, 11, 15, 19]),
      series('noise_sigma', [3, 7, 11, 15, 19, 23]),
      series('jpeg_quality', [100, 90, 80, 70, 60, 50]),
      series('gamma', [0.7, 0.85, 1, 1.15, 1.3]),
    ],
  },
  pscc: {
    description: 'The table that ManTra-Net, SPAN, PSCC-Net and those after them print: two strengths of each.',
    source: 'https://arxiv.org/abs/2103.10596',
    series: [
      series('resize_scale', [0.78, 0.25]),
      series('blur_kernel', [3, 15]),
      series('noise_sigma', [3, 15]),
      series('jpeg_quality', [100, 50]),
    ],
  },
  osn: {
    description: 'What IF-OSN models of a social network: JPEG of a quality of 71 to 95.',
    source: 'https://github.com/HighwayWu/ImageForensicsOSN/blob/42c2fe5/train.py',
    series: [series('jpeg_quality', [95, 89, 83, 77, 71]), networks],
  },
} as const satisfies Record<string, DegradationPreset>;
