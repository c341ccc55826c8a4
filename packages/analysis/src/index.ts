export * from './analyze.ts';
export * from './finding.ts';
export * from './format.ts';
export * from './result.ts';
