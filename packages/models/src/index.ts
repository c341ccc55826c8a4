export * from './backbones/pvt-v2.ts';
export * from './checkpoint.ts';
export * from './m2sformer.ts';
export * from './network.ts';
export * from './networks.ts';
export * from './trace-net.ts';
export * from './unet.ts';
