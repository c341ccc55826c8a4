/** The analysis in a browser: libvips as WebAssembly for pictures, ONNX Runtime as WebAssembly or on WebGPU for networks. */
import { onnxRuntimeVersion } from '@forgelens/autograd/runtime/web';
import { examine } from '@forgelens/evidence';
import { codecTools } from '@forgelens/evidence/tools';
import { codecVersions, decodeImage, encodeMap16, encodeOverlay } from '@forgelens/imaging';
import type { Localizer } from '@forgelens/localize';
import type { Analyzed, AnalyzeOptions, Tools } from './analyze.ts';
import { analyzeWith, sha256Of } from './analyze.ts';

declare const navigator: { readonly userAgent: string };

const toolsOf = (provider: string): Tools => ({
  decode: decodeImage,
  encodeMap: encodeMap16,
  encodeOverlay,
  examine: (picture, onProgress) =>
    examine(picture, codecTools, { onProgress: (_, done, total) => onProgress(done, total) }),
  hash: sha256Of,
  versions: { ...codecVersions, onnxruntime: onnxRuntimeVersion, provider, browser: navigator.userAgent },
});

/**
 * Looks at one picture: `analyzeWith` by what there is in a browser. Its bytes go nowhere.
 *
 * @param provider - what runs the localizer's network, `wasm` or `webgpu`; the result says so
 */
export const analyzePicture = (
  bytes: Uint8Array,
  name: string,
  localizer: Localizer,
  provider: string,
  options?: AnalyzeOptions,
): Promise<Analyzed> => analyzeWith(toolsOf(provider), bytes, name, localizer, options);
