/**
 * Published networks, one file each, the backbones that they share, and their checkpoints.
 *
 * @module forgelens/models
 */
export * from './backbones/backbone.ts';
export * from './backbones/hrformer.ts';
export * from './backbones/index.ts';
export * from './backbones/mit.ts';
export * from './backbones/mobilenet-v3.ts';
export * from './backbones/p2t.ts';
export * from './backbones/pvt-v2.ts';
export * from './backbones/res2net.ts';
export * from './backbones/resnest.ts';
export * from './backbones/resnet.ts';
export * from './cdfl.ts';
export * from './checkpoint.ts';
export * from './cost.ts';
export * from './m2sformer.ts';
export * from './mpc.ts';
export * from './network.ts';
export * from './networks.ts';
export * from './official.ts';
export { DifferenceAttention } from './parts/map-attention.ts';
export { expectedWalk, mapToNodes, similarityGraph, walkPixels } from './parts/pixel-graph.ts';
export { drawCandidates, sampledWalk } from './parts/sampled-walk.ts';
export * from './sdpal.ts';
export * from './stated-costs.ts';
export * from './trace-net.ts';
export * from './trio-net.ts';
export * from './unet.ts';
