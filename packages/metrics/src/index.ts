export * from './counts.ts';
export * from './ranking.ts';
export * from './summary.ts';
