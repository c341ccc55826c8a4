export * from './backbones/pvt-v2.ts';
export * from './m2sformer.ts';
export * from './network.ts';
export * from './unet.ts';
