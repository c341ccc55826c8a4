/** What a browser gets of this room: all but files. */
export * from './localizer.ts';
export * from './model.ts';
export * from './network-localizer.ts';
export * from './regions.ts';
export * from './score.ts';
export * from './software.ts';
export * from './tiles.ts';
