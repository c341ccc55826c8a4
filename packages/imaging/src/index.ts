export * from './codec.ts';
export * from './files.ts';
export * from './pixels.ts';
