/** The analysis in Node: libvips for pictures, ONNX Runtime for networks. */
import { onnxRuntimeVersion } from '@forgelens/autograd/runtime/node';
import { examine } from '@forgelens/evidence';
import { nodeTools } from '@forgelens/evidence/node';
import { codecVersions, decodeImage, encodeMap16, encodePng } from '@forgelens/imaging';
import type { Localizer } from '@forgelens/localize';
import type { Analyzed, AnalyzeOptions, Tools } from './analyze.ts';
import { analyzeWith } from './analyze.ts';

const tools: Tools = {
  decode: decodeImage,
  encodeMap: encodeMap16,
  encodePng,
  examine: (picture, onProgress) =>
    examine(picture, nodeTools, { onProgress: (_, done, total) => onProgress(done, total) }),
  versions: { ...codecVersions, onnxruntime: onnxRuntimeVersion, node: process.versions.node },
};

/** Looks at one picture: `analyzeWith` by what there is in Node. */
export const analyzePicture = (
  bytes: Uint8Array,
  name: string,
  localizer: Localizer,
  options: AnalyzeOptions,
): Promise<Analyzed> => analyzeWith(tools, bytes, name, localizer, options);
