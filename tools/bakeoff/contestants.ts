/** A network of the bake-off. */
export interface Contestant {
  /** Of its folder. */
  readonly id: string;
  readonly title: string;
  /** What it has other than `configs/bakeoff.yaml`, as for `forgelens train --set`. */
  readonly settings: readonly string[];
}

const squeezed = 'data.fit=resize';

/** Each sees pictures in training as it does in use: at their own scale, or squeezed into its published square. */
export const contestants: readonly Contestant[] = [
  { id: 'trionet', title: 'TrioNet', settings: ['model={id: trionet}'] },
  { id: 'tracenet', title: 'TraceNet', settings: ['model={id: tracenet}'] },
  { id: 'unet', title: 'U-Net', settings: [] },
  { id: 'm2sformer-b0', title: 'M2SFormer, B0', settings: ['model={id: m2sformer, backbone: pvt-v2-b0}', squeezed] },
  { id: 'm2sformer', title: 'M2SFormer, B2', settings: ['model={id: m2sformer}', squeezed] },
  { id: 'cdfl', title: 'CDFL', settings: ['model={id: cdfl}', squeezed] },
  { id: 'sdpal', title: 'SDPAL', settings: ['model={id: sdpal}', squeezed] },
  // A picture at a time: four of its size would take 24 GB.
  { id: 'mpc', title: 'MPC', settings: ['model={id: mpc}', squeezed, 'size=512', 'batch=1'] },
];
