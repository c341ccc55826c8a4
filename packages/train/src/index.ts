export * from './config.ts';
export * from './curve.ts';
export * from './data.ts';
export * from './loop.ts';
export * from './run-folder.ts';
export * from './step.ts';
