import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CheckpointError } from '@forgelens/autograd';
import { encodeMask, encodePng } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging';
import { seenWhole, unknownModel } from '@forgelens/localize';
import type { Localization, Localizer, ModelCard, ModelInfo } from '@forgelens/localize';
import type { ModelDefinition } from '@forgelens/models';
import { small } from '@forgelens/models/testing';
import { initialize } from '@forgelens/nn';
import { onTestFinished } from 'vitest';
import type { Models } from './context.ts';
import { main } from './program.ts';

const info: ModelInfo = {
  id: 'brightness',
  version: '1',
  name: 'Brightness',
  parameters: 0,
  licence: 'none needed',
  weightsSha256: '0'.repeat(64),
  input: 'red, 0–255',
  sizePolicy: 'native',
  scoreRule: 'the highest probability',
  operatingPoint: null,
  limitations: ['It takes all that is bright for tampered.'],
};

const cards: ModelCard[] = [
  {
    ...info,
    source: 'made for tests',
    weights: { bytes: 1_234_567, sha256: info.weightsSha256, licence: info.licence },
    scores: [{ set: 'made-up', metric: 'F1', value: 0.5 }],
  },
  {
    ...info,
    id: 'unet',
    name: 'U-Net',
    source: 'Ronneberger, Fischer and Brox 2015',
    parameters: 7_763_041,
    weights: null,
    scores: [],
    limitations: [],
  },
];

/** The probability of a pixel is its red. */
function locate({ width, height, data }: Image): Promise<Localization> {
  const probabilities = new Float32Array(width * height);
  let score = 0;
  for (let i = 0; i < probabilities.length; i++) {
    probabilities[i] = data[3 * i]! / 255;
    score = Math.max(score, probabilities[i]!);
  }
  return Promise.resolve({ width, height, probabilities, score, seen: seenWhole });
}

const { officialName: _, ...unofficial } = small;
const networks: Readonly<Record<string, ModelDefinition>> = { brightness: small, unet: unofficial };

/** A localizer that needs no network; `look` is called before each picture. */
const fakeModels = (look: () => void): Models => ({
  default: 'brightness',
  networks,
  cards: () => Promise.resolve(cards),
  async load(idOrPath) {
    if (idOrPath === 'broken.safetensors')
      throw new CheckpointError(idOrPath, 'missing head.weight [1, 16, 1, 1]; 1 of 40 names does not fit');
    if (idOrPath !== 'brightness')
      throw unknownModel(
        idOrPath,
        cards.map(({ id }) => id),
      );
    const network = small.create();
    return { network, weights: initialize(network, 1), sizePolicy: small.sizePolicy, info, who: idOrPath };
  },
  async open(idOrPath) {
    await this.load(idOrPath);
    const localizer: Localizer = {
      info,
      locate(image) {
        look();
        return locate(image);
      },
      close: () => Promise.resolve(),
    };
    return localizer;
  },
});

/** How a run of the program ended, with what it wrote. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A new folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'forgelens-cli-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Runs the program in a folder, on a model that calls tampered what is bright. */
export async function forgelens(
  cwd: string,
  argv: readonly string[],
  { signal, look = () => {} }: { signal?: AbortSignal; look?: () => void } = {},
): Promise<Run> {
  const texts = { stdout: '', stderr: '' };
  const io = {
    stdout: { write: (text: string) => (texts.stdout += text) },
    stderr: { write: (text: string) => (texts.stderr += text) },
    cwd,
    env: {},
    signal,
  };
  return { code: await main(argv, io, fakeModels(look)), ...texts };
}

/** A data set of 8×8 pictures whose left half is tampered; the localizer finds what is bright. */
export async function dataset(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(path.join(folder, 'data'));
  const write = async (name: string, isBright: (x: number) => boolean) => {
    const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (isBright(Math.floor(i / 3) % 8) ? 255 : 0));
    await writeFile(path.join(folder, 'data', name), await encodePng({ width: 8, height: 8, data }));
  };
  await write('found.png', x => x < 4);
  await write('half.png', x => x < 2);
  await write('alarmed.png', x => x === 7);
  await write('trained-on.png', x => x < 4);
  const half = (width: number) => Uint8Array.from({ length: width * 8 }, (_, i) => (i % width < width / 2 ? 1 : 0));
  await writeFile(path.join(folder, 'data/left.png'), await encodeMask({ width: 8, height: 8, data: half(8) }));
  await writeFile(path.join(folder, 'data/wide.png'), await encodeMask({ width: 9, height: 8, data: half(9) }));
  const rows = [
    'split,set,image,mask,kind',
    'dev,a,found.png,left.png,splice',
    'dev,b,half.png,left.png,splice',
    'dev,b,alarmed.png,,authentic',
    'train,a,trained-on.png,left.png,splice',
    'odd,c,half.png,wide.png,splice',
    'odd,c,found.png,left.png,splice',
  ];
  await writeFile(path.join(folder, 'data/index.csv'), rows.join('\n'));
  return folder;
}

export const readJson = async (...parts: readonly string[]): Promise<unknown> =>
  JSON.parse(await readFile(path.join(...parts), 'utf8')) as unknown;
