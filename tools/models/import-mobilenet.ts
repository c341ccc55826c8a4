/**
 * Makes the weights that TrioNet's training starts from:
 *
 *     npm pack @vladmandic/human && tar xzf vladmandic-human-*.tgz     # MIT; models/centernet.json and centernet.bin
 *     npx tsx tools/models/import-mobilenet.ts package/models start.safetensors [--traces tracenet.safetensors]
 *
 * The scene encoder has the weights of the package's detector, a MobileNetV3 trained on the photographs of COCO. With
 * `--traces` the residual traces start as a trained TraceNet (the shipped one: packages/localize/weights/tracenet/
 * weights.safetensors), to which the other two looks are added faintly. All else is random, by seed 1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Tensor } from '@forgelens/autograd';
import { DataError, UsageError, float32, fromFloat16, writeSafetensors } from '@forgelens/autograd';
import { MobileNetV3, bindWeights, createNetwork, readCheckpoint } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { initialize, namedParameters } from '@forgelens/nn';

/** The part of a TensorFlow.js graph model that says where its weights lie. */
interface GraphModel {
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly dtype: string;
      readonly quantization?: { readonly dtype: string };
    }[];
  }[];
}

const bytesOf: Readonly<Record<string, number>> = { float16: 2, float32: 4, int32: 4 };

/** The float tensors of a TensorFlow.js graph model by name, quantized ones as numbers again. */
function readGraphModel(folder: string, name: string): Map<string, Tensor<'float32'>> {
  const path = join(folder, `${name}.json`);
  const { weightsManifest } = JSON.parse(readFileSync(path, 'utf8')) as GraphModel;
  const tensors = new Map<string, Tensor<'float32'>>();
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(paths.map(part => readFileSync(join(folder, part))));
    let at = 0;
    for (const { name: key, shape, dtype, quantization } of weights) {
      const stored = quantization?.dtype ?? dtype;
      const width = bytesOf[stored];
      if (width === undefined) throw new DataError(path, `${key} is stored as ${stored}, which is not read here`);
      const count = shape.reduce((a, b) => a * b, 1);
      // A copy, since the part may begin anywhere.
      const { buffer } = Uint8Array.from(bytes.subarray(at, at + count * width));
      at += count * width;
      if (stored === 'float16') tensors.set(key, float32(shape, fromFloat16(new Uint16Array(buffer))));
      if (stored === 'float32') tensors.set(key, float32(shape, new Float32Array(buffer)));
    }
  }
  return tensors;
}

/** The name in the graph of one of the encoder's parameters. */
function graphName(name: string): string {
  const [, stage, block, part, kind] = /^(?:stem|stages\.(\d)\.(\d)\.(\w+))\.(weight|bias)$/.exec(name) ?? [];
  const folded = kind === 'weight' ? 'weights' : 'bn_offset';
  if (stage === undefined) return `tower_0/MobilenetV3/Conv/Conv2D_${folded}`;
  const number = [0, 3, 6, 12][Number(stage)]! + Number(block);
  const within = `MobilenetV3/expanded_conv${number === 0 ? '' : `_${number}`}`;
  if (part === 'squeeze' || part === 'excite')
    return `${within}/squeeze_excite/Conv${part === 'excite' ? '_1' : ''}/${kind === 'weight' ? 'weights' : 'biases'}`;
  return part === 'depthwise'
    ? `tower_0/${within}/depthwise/depthwise_${folded}`
    : `tower_0/${within}/${part}/Conv2D_${folded}`;
}

/** [kH, kW, in, out] → [out, in, kH, kW]; of depthwise kernels [kH, kW, C, 1] → [C, 1, kH, kW]. */
function inOurOrder({ shape, data }: Tensor<'float32'>, isDepthwise: boolean): Tensor<'float32'> {
  if (shape.length !== 4) return float32(shape, data);
  const [kh, kw, a, b] = shape as [number, number, number, number];
  const [out, within] = isDepthwise ? [a, b] : [b, a];
  const ordered = new Float32Array(data.length);
  for (let tap = 0; tap < kh * kw; tap++)
    for (let i = 0; i < a; i++)
      for (let o = 0; o < b; o++) {
        const [first, second] = isDepthwise ? [i, o] : [o, i];
        ordered[(first * within + second) * kh * kw + tap] = data[(tap * a + i) * b + o]!;
      }
  return float32([out, within, kh, kw], ordered);
}

/** The encoder's weights by its own names. */
export function sceneWeights(folder: string): Weights {
  const tensors = readGraphModel(folder, 'centernet');
  return Object.fromEntries(
    [...namedParameters(new MobileNetV3()).keys()].map(name => {
      const tensor = tensors.get(graphName(name));
      if (!tensor) throw new DataError(folder, `centernet.json has no ${graphName(name)}; is it of another version?`);
      return [name, inOurOrder(tensor, name.includes('depthwise'))];
    }),
  );
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { traces: { type: 'string' } } });
const [folder, out] = positionals;
if (folder === undefined || out === undefined)
  throw new UsageError('import-mobilenet: give the folder of centernet.json and a file to write');
const network = createNetwork({ id: 'trionet' });
const prefixed = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`${prefix}.${name}`, tensor]));
const weights: Record<string, Tensor> = { ...initialize(network, 1), ...prefixed('scene', sceneWeights(folder)) };
if (values.traces !== undefined) {
  Object.assign(weights, prefixed('traces', readCheckpoint(readFileSync(values.traces), values.traces).weights));
  for (const [name, { shape }] of Object.entries(weights))
    if (/^additions\.\d\.norm\.weight$/.test(name)) weights[name] = float32(shape, Array<number>(shape[0]!).fill(0.1));
}
bindWeights(network, weights, out);
writeFileSync(out, writeSafetensors(weights, { model: JSON.stringify({ id: 'trionet' }) }));
console.log(`${out}: ${Object.keys(weights).length} tensors`);
