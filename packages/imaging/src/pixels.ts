/** What needs no codec and no file: the part of this room that also runs in a browser. */
export * from './degradation-presets.ts';
export * from './degradations.ts';
export * from './filters.ts';
export * from './image.ts';
export * from './overlay.ts';
export * from './png.ts';
export * from './resize.ts';
export * from './tensor.ts';
