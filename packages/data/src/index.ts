export * from './groups.ts';
export * from './read-folder.ts';
export * from './read-index.ts';
export type * from './sample.ts';
