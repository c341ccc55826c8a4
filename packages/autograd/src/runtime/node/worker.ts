import { parentPort } from 'node:worker_threads';
import { serve } from '../remote.ts';
import { devices } from './devices.ts';
import { stop } from './stop.ts';

const port = parentPort!;
serve(
  {
    post: (message, transfer) => port.postMessage(message, transfer),
    listen: listener => void port.on('message', message => (message === stop ? process.exit() : listener(message))),
  },
  devices,
);
