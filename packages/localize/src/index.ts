export * from './localizer.ts';
export * from './regions.ts';
export * from './software.ts';
