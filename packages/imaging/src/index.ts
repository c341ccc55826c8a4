export * from './codec.ts';
export * from './degrade.ts';
export * from './files.ts';
export * from './pixels.ts';
