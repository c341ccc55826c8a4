/** What the benchmark times. Both sides do the same work on inputs of the same shapes. */
export interface Job {
  readonly id: string;
  readonly model: 'm2sformer' | 'cdfl' | 'sdpal' | 'mpc' | 'mpc-contrast' | 'unet';
  readonly mode: 'inference' | 'train';
  readonly batch: number;
  /** Height and width of the images, px. */
  readonly size: number;
}

export const jobs: readonly Job[] = [
  { id: 'm2sformer:inference', model: 'm2sformer', mode: 'inference', batch: 1, size: 256 },
  { id: 'm2sformer:train', model: 'm2sformer', mode: 'train', batch: 2, size: 256 },
  { id: 'cdfl:inference', model: 'cdfl', mode: 'inference', batch: 1, size: 256 },
  { id: 'sdpal:inference', model: 'sdpal', mode: 'inference', batch: 1, size: 256 },
  { id: 'cdfl:train', model: 'cdfl', mode: 'train', batch: 2, size: 256 },
  { id: 'sdpal:train', model: 'sdpal', mode: 'train', batch: 2, size: 256 },
  { id: 'mpc:inference', model: 'mpc', mode: 'inference', batch: 1, size: 256 },
  { id: 'mpc:train', model: 'mpc', mode: 'train', batch: 2, size: 256 },
  { id: 'mpc-contrast:train', model: 'mpc-contrast', mode: 'train', batch: 2, size: 256 },
  { id: 'unet:inference', model: 'unet', mode: 'inference', batch: 1, size: 256 },
  { id: 'unet:train', model: 'unet', mode: 'train', batch: 2, size: 256 },
];

/** The most that ours may take, time or memory, as a share of PyTorch's. */
export const target = 1;

/** Threads of one run on either side; `torch_peer.py` sets the same number. */
export const threads = 2;
