/** What a browser gets of this room: all but files. */
export * from './codec.ts';
export * from './degrade.ts';
export * from './pixels.ts';
