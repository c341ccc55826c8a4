/**
 * The whole analysis in a worker of the page. Nothing of a picture leaves the browser: what is fetched is the program
 * itself and its weights. It begins to load when it starts, and does one task after the other.
 */
import type { Analysis } from '@forgelens/analysis';
import { sha256Of } from '@forgelens/analysis';
import { analyzePicture } from '@forgelens/analysis/web';
import { CheckpointError, DataError } from '@forgelens/autograd';
import { webWasm, webWebgpu } from '@forgelens/autograd/runtime/web';
import { openCodec } from '@forgelens/imaging/web';
import type { Localizer, ShippedCard } from '@forgelens/localize';
import { defaultModel, modelOf, networkLocalizer } from '@forgelens/localize';
import { readCheckpoint } from '@forgelens/models';
import { makeAnalysisPage } from '@forgelens/report/analysis';
import type { AnalystProgress } from './analyst.ts';
import type { Asset } from './assets.ts';

/** What the page asks for. */
export type Task =
  | { readonly kind: 'analyze'; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: 'report';
      readonly analysis: Analysis;
      readonly files: ReadonlyMap<string, Blob>;
      readonly picture: Blob;
    };

/** What the page is told: of any progress, and then how the task ended. */
export type Told =
  | { readonly kind: 'progress'; readonly progress: AnalystProgress }
  | { readonly kind: 'analyzed'; readonly analysis: Analysis; readonly files: ReadonlyMap<string, Blob> }
  | { readonly kind: 'reported'; readonly report: Blob }
  | { readonly kind: 'failed'; readonly message: string; readonly path: string | null };

/** The little of a worker that is used here; these files are typed for pages. */
declare const self: { postMessage(told: Told): void; onmessage: ((event: { readonly data: Task }) => void) | null };

/** The files beside the scripts, as they were when this was built. */
declare const FORGELENS_ASSETS: readonly Asset[];
/** Whether a GPU that a program plays will do. */
declare const FORGELENS_TAKES_SOFTWARE_GPU: boolean;

/** The picture's own options; the page moves its threshold by itself. */
const threshold = 0.5;
/** Larger pictures do not fit into what WebAssembly may have of memory. */
const limits = { maxPixels: 2 ** 26 };

const tell = (told: Told): void => self.postMessage(told);
const opened = open();
// Whoever gives a task is told.
opened.catch(() => {});

let last: Promise<void> = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(async () => {
    try {
      tell(await (data.kind === 'analyze' ? analyze(data) : report(data)));
    } catch (error) {
      const { message, stack } = error as Error;
      const isPicture = error instanceof DataError;
      tell({ kind: 'failed', message: isPicture ? message : (stack ?? message), path: isPicture ? error.path : null });
    }
  });
};

async function analyze({ name, bytes }: Task & { kind: 'analyze' }): Promise<Told> {
  const { localizer, provider } = await opened;
  const nameFile = (key: string) => `maps/${key}.png`;
  const { analysis, pictures } = await analyzePicture(bytes, name, localizer, provider, {
    ...{ threshold, evidence: true, nameFile, limits },
    onProgress: progress => tell({ kind: 'progress', progress }),
  });
  const blobOf = (png: Uint8Array) => new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' });
  const files = new Map(Object.entries(pictures).map(([key, png]) => [nameFile(key), blobOf(png)]));
  return { kind: 'analyzed', analysis, files };
}

async function report({ analysis, files, picture }: Task & { kind: 'report' }): Promise<Told> {
  const page = await makeAnalysisPage(analysis, file => bytesOf(files.get(file)!), await bytesOf(picture));
  return { kind: 'reported', report: new Blob([page], { type: 'text/html' }) };
}

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());

async function open(): Promise<{ localizer: Localizer; provider: string }> {
  const adapter = await (navigator as Partial<typeof navigator>).gpu?.requestAdapter();
  // A GPU that a program plays takes longer than WebAssembly.
  const isFast = adapter && !adapter.info.isFallbackAdapter;
  const provider = isFast || (adapter && FORGELENS_TAKES_SOFTWARE_GPU) ? 'webgpu' : 'wasm';
  const ort = provider === 'webgpu' ? 'ort/ort-wasm-simd-threaded.asyncify' : 'ort/ort-wasm-simd-threaded';
  const folder = `models/${defaultModel}`;
  const [weights, card] = await load([
    ...[`${folder}/weights.safetensors`, `${folder}/card.json`],
    ...[`${ort}.wasm`, `${ort}.mjs`, 'vips/vips.wasm', 'vips/vips-heif.wasm', 'vips/vips-es6.js'],
  ]);
  await openCodec();
  const who = `the weights of ${defaultModel}`;
  const shipped = { id: defaultModel, card: JSON.parse(new TextDecoder().decode(card)) as ShippedCard };
  const model = modelOf(readCheckpoint(weights!, who), { who, sha256: await sha256Of(weights!), shipped });
  const files = addressOf('ort/');
  const runtime = provider === 'webgpu' ? webWebgpu({ files }) : webWasm({ files });
  return { localizer: networkLocalizer(model.network, model.weights, { ...model, runtime }), provider };
}

/**
 * Fetches files whose hashes are known. Those that other parts will fetch again are cached by then.
 * @throws {CheckpointError} when a file is not what it was when this was built
 */
async function load(paths: readonly string[]): Promise<readonly Uint8Array[]> {
  const assets = paths.map(path => FORGELENS_ASSETS.find(asset => asset.path === path)!);
  const total = assets.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const loaded: Uint8Array[] = [];
  for (const { path, bytes, sha256 } of assets) {
    tell({ kind: 'progress', progress: { stage: 'load', done, total } });
    const response = await fetch(addressOf(path));
    if (!response.ok) throw new Error(`${path} could not be loaded: ${response.status} ${response.statusText}`);
    const body = new Uint8Array(await response.arrayBuffer());
    const found = await sha256Of(body);
    if (found !== sha256)
      throw new CheckpointError(path, `has the SHA-256 ${found}, but must have ${sha256}; reload the page`);
    loaded.push(body);
    done += bytes;
  }
  return loaded;
}

const addressOf = (path: string): string => new URL(`./${path}`, import.meta.url).href;
