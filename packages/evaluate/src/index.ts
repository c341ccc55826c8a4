export * from './evaluate-localizer.ts';
export * from './protocol.ts';
