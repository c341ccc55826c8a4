import { serve } from '../remote.ts';
import { devices } from './devices.ts';

/** What both ends of a web worker have; this workspace is typed for Node. */
export interface WorkerScope {
  postMessage(message: object, transfer: ArrayBuffer[]): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
}
declare const self: WorkerScope;

serve(
  {
    post: (message, transfer) => self.postMessage(message, transfer),
    listen(listener) {
      self.onmessage = ({ data }) => listener(data);
    },
  },
  devices,
);
