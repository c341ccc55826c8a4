/**
 * A server in a process of its own, for tests that end it. It tells its parent where it listens, and looks at no picture
 * before it is told to.
 */
import { serve } from '../serve.ts';
import type { Settings } from '../settings.ts';
import { defaultSettings } from '../settings.ts';
import { workersHere } from './workers.ts';

const settings: Settings = { ...defaultSettings, ...(JSON.parse(process.argv[2]!) as Partial<Settings>) };
const told = new Promise<'look'>(resolve => process.once('message', () => resolve('look')));
const serving = await serve({
  ...{ settings, model: 'brightness', host: '127.0.0.1', port: 0 },
  log: text => console.error(text),
  startWorker: workersHere(settings, () => told),
});
process.once('SIGTERM', () => {
  // With nothing left to do the process ends by itself.
  void serving.close().then(() => process.disconnect());
});
process.send!(serving.url);
