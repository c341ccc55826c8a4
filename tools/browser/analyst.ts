/**
 * The analysis in Chromium against the one in Node, of the same bytes:
 *
 *     npx tsx tools/browser/analyst.ts <wasm | webgpu> <file>...
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { analyzePicture } from '@forgelens/analysis/node';
import { UsageError } from '@forgelens/autograd';
import { decodeMap16 } from '@forgelens/imaging';
import type { Localizer } from '@forgelens/localize';
import { defaultModel, openLocalizer } from '@forgelens/localize';
import { build } from 'esbuild';
import { bundleAnalyst, bundleServiceWorker, bundling } from '../../apps/web/bundle.ts';
import type { Decoded, Seen, Tests } from '../../apps/web/src/testing/analyst-tests.ts';
import type { OpenPage } from './chromium.ts';
import { openFolder } from './chromium.ts';

/** A page that is an analyst, in Chromium. */
export interface OpenAnalyst extends Omit<OpenPage, 'page'>, Tests {
  reload(): Promise<void>;
}

/** Bundles a page that has an analyst, and opens it. */
export async function openAnalyst(provider: 'wasm' | 'webgpu'): Promise<OpenAnalyst> {
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-analyst-'));
  const entryPoints = { page: 'analyst-page.ts', 'decode-worker': 'decode-worker.ts' };
  const source = join(import.meta.dirname, '../../apps/web/src/testing');
  await build({
    ...bundling,
    entryPoints: Object.entries(entryPoints).map(([out, file]) => ({ out, in: join(source, file) })),
    outdir: folder,
  });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>');
  await bundleAnalyst(folder, provider === 'webgpu');
  await bundleServiceWorker(folder);
  const { page, goOffline, close } = await openFolder(folder, { hasGpu: provider === 'webgpu' });
  const call = (name: keyof Tests, picture: string, base64: string): Promise<unknown> =>
    page.evaluate(
      ([name, picture, base64]) => (globalThis as unknown as Tests)[name as keyof Tests](picture!, base64!) as unknown,
      [name, picture, base64],
    );
  return {
    see: (name, base64) => call('see', name, base64) as Promise<Seen>,
    refuse: (name, base64) => call('refuse', name, base64) as Promise<string>,
    decode: (name, base64) => call('decode', name, base64) as Promise<Decoded>,
    goOffline,
    reload: async () => void (await page.reload()),
    async close() {
      await close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** How two analyses of the same bytes agree. */
export interface Agreement {
  readonly pixels: number;
  /** Pixels that are tampered by the mask in Node. */
  readonly marked: number;
  /** Pixels that are tampered by one mask only. */
  readonly disagreeing: number;
  /** The most that two probabilities differ. */
  readonly difference: number;
  /** The most that two values of an evidence's map differ. */
  readonly evidenceDifference: number;
  readonly there: Seen['analysis'];
  readonly here: Seen['analysis'];
}

/** Looks at the same bytes in Chromium and in Node. */
export async function compare(
  analyst: OpenAnalyst,
  localizer: Localizer,
  name: string,
  bytes: Uint8Array,
): Promise<Agreement> {
  const there = await analyst.see(name, Buffer.from(bytes).toString('base64'));
  const nameFile = (key: string) => `maps/${key}.png`;
  const options = { threshold: 0.5, evidence: true, nameFile };
  const { analysis, pictures } = await analyzePicture(bytes, name, localizer, options);
  const valuesOf = async (file: string, png: Uint8Array) => (await decodeMap16(png, file)).probabilities;
  const differences = async (key: string) => {
    const [a, b] = [
      await valuesOf(key, pictures[key]!),
      await valuesOf(key, Buffer.from(there.files[nameFile(key)]!, 'base64')),
    ];
    return { a, b, most: a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0) };
  };
  const { a, b, most } = await differences('map');
  let evidenceDifference = 0;
  for (const { id, map } of analysis.evidence!)
    if (map) evidenceDifference = Math.max(evidenceDifference, (await differences(id)).most);
  return {
    pixels: a.length,
    marked: a.filter(p => p > 0.5).length,
    disagreeing: a.filter((p, i) => p > 0.5 !== b[i]! > 0.5).length,
    difference: most,
    evidenceDifference,
    there: there.analysis,
    here: analysis,
  };
}

if (import.meta.filename === process.argv[1]) {
  const [provider, ...paths] = process.argv.slice(2);
  if ((provider !== 'wasm' && provider !== 'webgpu') || paths.length === 0)
    throw new UsageError('analyst: needs wasm or webgpu, and files; see the top of tools/browser/analyst.ts');
  const [analyst, localizer] = [await openAnalyst(provider), await openLocalizer(defaultModel)];
  for (const path of paths) {
    const { there, here, ...agreement } = await compare(analyst, localizer, basename(path), readFileSync(path));
    console.log(path, agreement, there.software.runsOn, { there: there.timing, here: here.timing });
  }
  await localizer.close();
  await analyst.close();
}
