/** Decodes in a worker of the browser, and tells what came out: the source, and the SHA-256 of the pixels. */
import { sha256Of } from '@forgelens/analysis';
import { decodeImage } from '@forgelens/imaging';
import type { Decoded } from './analyst-tests.ts';

declare const self: {
  onmessage: (event: { readonly data: { readonly name: string; readonly bytes: Uint8Array } }) => void;
  postMessage(decoded: Decoded): void;
};

self.onmessage = ({ data: { name, bytes } }) => void decode(name, bytes).then(decoded => self.postMessage(decoded));

async function decode(name: string, bytes: Uint8Array): Promise<Decoded> {
  try {
    const { source, data } = await decodeImage(bytes, name);
    return { source, sha256: await sha256Of(data) };
  } catch (error) {
    return { error: String(error) };
  }
}
