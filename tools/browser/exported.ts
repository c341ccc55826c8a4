/**
 * An exported model in Chromium, run by ONNX Runtime alone, against the same file in Node:
 *
 *     npx tsx tools/browser/exported.ts <id | checkpoint> <wasm | webgpu> [size] [float32 | float16]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { nodeCpu, openOnnx } from '@forgelens/autograd/runtime/node';
import { readImage, resizeImage, toTensor } from '@forgelens/imaging';
import type { OpenedModel, Precision } from '@forgelens/localize';
import { exportModel, openModel } from '@forgelens/localize';
import { folderOf, openPage } from './chromium.ts';

const photograph = join(import.meta.dirname, '../../examples/forged/boulder-on-meadow.jpg');

export interface ExportOptions {
  readonly provider: 'wasm' | 'webgpu';
  readonly size: number;
  readonly precision: Precision;
}

/** How the two masks of one picture, at the threshold 0.5, agree. */
export interface Agreement {
  readonly pixels: number;
  /** Pixels that are tampered by the mask in Node. */
  readonly marked: number;
  /** Pixels that are tampered by one mask only. */
  readonly disagreeing: number;
  /** The most that two probabilities differ. */
  readonly difference: number;
}

/** Exports a model, and looks with it at the same picture in Chromium and in Node. */
export async function compareWithChromium(
  model: OpenedModel,
  { provider, size, precision }: ExportOptions,
): Promise<Agreement> {
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-exported-'));
  const { model: file } = await exportModel(model, { size, precision }, nodeCpu());
  const image = toTensor([resizeImage(await readImage(photograph), size, size)]);
  writeFileSync(join(folder, 'model.onnx'), file.bytes);
  writeFileSync(join(folder, 'image.bin'), image.bytes);
  const chromium = await openPage(
    { 'page.js': join(import.meta.dirname, 'exported-page.ts') },
    { '/ort/': folderOf('onnxruntime-web/wasm'), '/exported/': folder },
  );
  try {
    const there = await chromium.page.evaluate(
      ([provider, size]) => (globalThis as unknown as { locate: Locate }).locate(provider, size),
      [provider, size] as const,
    );
    const executable = await openOnnx(file);
    const here = [...((await executable.run({ image }))['probabilities']!.data as Float32Array)];
    await executable.close();
    return {
      pixels: here.length,
      marked: here.filter(p => p > 0.5).length,
      disagreeing: here.filter((p, i) => p > 0.5 !== there[i]! > 0.5).length,
      difference: here.reduce((most, p, i) => Math.max(most, Math.abs(p - there[i]!)), 0),
    };
  } finally {
    await chromium.close();
    rmSync(folder, { recursive: true });
  }
}

type Locate = (provider: string, size: number) => Promise<number[]>;

if (import.meta.filename === process.argv[1]) {
  const [model, provider, size = '256', precision = 'float32'] = process.argv.slice(2);
  if (!model || (provider !== 'wasm' && provider !== 'webgpu') || (precision !== 'float32' && precision !== 'float16'))
    throw new UsageError('exported: needs a model and wasm or webgpu; see the top of tools/browser/exported.ts');
  console.log(await compareWithChromium(await openModel(model), { provider, size: Number(size), precision }));
}
