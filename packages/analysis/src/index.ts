export * from './analyze.ts';
export * from './finding.ts';
export * from './result.ts';
