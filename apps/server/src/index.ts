/**
 * HTTP: pictures wait in a queue and are looked at in worker processes.
 *
 * @module forgelens/server
 */
export { createApp } from './app.ts';
export type { AppOptions, ServerApp } from './app.ts';
export { openBackend } from './backend.ts';
export type { Backend, BackendOptions } from './backend.ts';
export type * from './analyses.ts';
export type * from './queue.ts';
export { listenWith, serve } from './serve.ts';
export type { ServeOptions, Serving } from './serve.ts';
export type { AnalysisResource } from './openapi.ts';
export { defaultSettings } from './settings.ts';
export type { Settings } from './settings.ts';
export { runWorker } from './worker-main.ts';
export { workerProcesses } from './worker.ts';
export type { StartWorker, Worker, WorkerEvent } from './worker.ts';
