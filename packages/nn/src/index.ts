/**
 * Layers, initializers, losses, optimizers and schedules, as functions that build graphs.
 *
 * @module forgelens/nn
 */
export * from './contrast.ts';
export * from './initializers.ts';
export * from './layers.ts';
export * from './losses.ts';
export * from './module.ts';
export * from './optimizers.ts';
export * from './schedules.ts';
