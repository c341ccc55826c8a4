/** The analysis in Node: libvips for pictures, ONNX Runtime for networks. */
import { createHash } from 'node:crypto';
import { onnxRuntimeVersion } from '@forgelens/autograd/runtime/node';
import { examine } from '@forgelens/evidence';
import { codecTools } from '@forgelens/evidence/tools';
import { codecVersions, decodeImage, encodeMap16, encodeOverlay } from '@forgelens/imaging';
import type { Localizer } from '@forgelens/localize';
import type { Analyzed, AnalyzeOptions, Tools } from './analyze.ts';
import { analyzeWith } from './analyze.ts';

const tools: Tools = {
  decode: decodeImage,
  encodeMap: encodeMap16,
  encodeOverlay,
  examine: (picture, onProgress) =>
    examine(picture, codecTools, { onProgress: (_, done, total) => onProgress(done, total) }),
  // In place: Web Crypto makes a copy first.
  hash: bytes => Promise.resolve(createHash('sha256').update(bytes).digest('hex')),
  versions: { ...codecVersions, onnxruntime: onnxRuntimeVersion, node: process.versions.node },
};

/** Looks at one picture: `analyzeWith` by what there is in Node. */
export const analyzePicture = (
  bytes: Uint8Array,
  name: string,
  localizer: Localizer,
  options?: AnalyzeOptions,
): Promise<Analyzed> => analyzeWith(tools, bytes, name, localizer, options);
