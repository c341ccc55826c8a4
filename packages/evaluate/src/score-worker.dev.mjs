// In development the worker is TypeScript: a new thread has to be told how to load it.
import { register } from 'tsx/esm/api';

register();
await import('./score-worker.ts');
