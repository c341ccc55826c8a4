import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Random, UsageError } from '@forgelens/autograd';
import type { Batch, Example, Material, Sample } from '@forgelens/data';
import {
  BatchStream,
  foldsByGroup,
  readDataset,
  readMaterial,
  sampleWeights,
  splitByGroup,
  squeezed,
} from '@forgelens/data';
import { masksToTensor, toTensor } from '@forgelens/imaging';
import type { TrainConfig } from './config.ts';
import { cutAround, extendTo, readPair } from './pairs.ts';
import type { DataRecord } from './run-folder.ts';

/** Where batches come from. */
export interface BatchSource {
  /** The batch of a step, counted from 0: always the same one for the same step. */
  batch(step: number): Promise<Batch>;
  close(): Promise<void>;
}

/** All that a training learns from and is measured on. */
export interface TrainingData extends BatchSource {
  /** What it is measured on as it goes: some of what was set aside, or of what it learns from. */
  readonly validation: readonly Sample[];
  /** All that was set aside: what to choose thresholds and checkpoints on. */
  readonly heldOut: readonly Sample[];
  readonly record: DataRecord;
}

/** What a training learns from and is measured on, before any picture is read. */
export interface DataPlan {
  readonly train: readonly Sample[];
  readonly validation: readonly Sample[];
  readonly heldOut: readonly Sample[];
  readonly material: readonly Material[];
  readonly record: DataRecord;
}

/**
 * Reads the index of a configuration and sets a part aside for validation, so that no source picture is on both sides.
 * As large a part of the material is set aside, too: photographs that nothing was done to, of more cameras and histories
 * than the authentic pictures of a data set of forgeries.
 *
 * @throws {DataError} when the index or a file that it names is missing
 * @throws {UsageError} when nothing is left to train on
 */
export async function planData({ data, validation, seed }: TrainConfig): Promise<DataPlan> {
  const sets = setNames(data);
  const filter = { split: data.split, sets };
  const all = await readDataset(data.index, filter);
  const wanted = all
    .filter(({ label }) => (label === 1 ? data.mix.tampered : data.mix.authentic) + data.mix.pasted > 0)
    .slice(0, data.limit);
  const fraction = validation.on === 'heldOut' ? validation.fraction : 0;
  const fold = validation.on === 'heldOut' ? validation.fold : undefined;
  const { train, validation: setAside } = fold
    ? splitByFold(wanted, all, fold)
    : splitByGroup(wanted, { fraction, seed });

  const wantsMaterial = data.mix.synthetic + data.mix.pristine > 0;
  const groupsAside = new Set(setAside.map(({ group }) => group));
  const photographs = wantsMaterial ? await readMaterial(indexFile(data.index), filter) : [];
  const { train: material, validation: untouched } = splitByGroup(
    photographs.filter(({ group }) => !groupsAside.has(group)),
    { fraction: fold ? 0 : fraction, seed },
  );
  const heldOut = [...setAside, ...untouched.map(asAuthentic)];
  if (train.length + material.length === 0)
    throw new UsageError(
      `${data.index}: nothing is left to train on with split "${data.split ?? 'any'}", sets ${sets?.join(', ') ?? 'all'} and this mix`,
    );
  const missing = sets?.find(name => ![...all, ...material].some(({ set }) => set === name));
  if (weightsOf(data) !== undefined && missing !== undefined)
    throw new UsageError(`${data.index}: data.sets gives "${missing}" a weight, but nothing is of this set`);

  const measured = validation.on === 'heldOut' ? heldOut : train;
  const chosen = new Random(seed).fork('validation').shuffle(measured).slice(0, validation.images);
  const tampered = (samples: readonly Sample[]) => samples.filter(({ label }) => label === 1).length;
  return {
    train,
    validation: chosen,
    heldOut,
    material,
    record: {
      counts: {
        trainTampered: tampered(train),
        trainAuthentic: train.length - tampered(train),
        material: material.length,
        validationTampered: tampered(chosen),
        validationAuthentic: chosen.length - tampered(chosen),
      },
      manifestSha256: manifest([...train, ...chosen, ...material]),
    },
  };
}

const asAuthentic = ({ id, set, split, image, group }: Material): Sample => ({
  ...{ id, set, split, image, group },
  mask: null,
  label: 0,
});

const setNames = ({ sets }: TrainConfig['data']): readonly string[] | undefined =>
  sets === undefined || Array.isArray(sets) ? sets : Object.keys(sets);

/** How often a sample comes from which set; undefined where all samples are alike. */
const weightsOf = ({ sets }: TrainConfig['data']): Readonly<Record<string, number>> | undefined =>
  Array.isArray(sets) ? undefined : sets;

/** Folds are dealt of all samples of the index, so that they are the same for every mix. */
function splitByFold(
  wanted: readonly Sample[],
  all: readonly Sample[],
  { number, of, seed }: NonNullable<TrainConfig['validation']['fold']>,
): { train: Sample[]; validation: Sample[] } {
  const fold = new Set(foldsByGroup(all, { folds: of, seed })[number - 1]);
  return { train: wanted.filter(sample => !fold.has(sample)), validation: wanted.filter(sample => fold.has(sample)) };
}

const indexFile = (path: string): string => (statSync(path).isDirectory() ? join(path, 'index.csv') : path);

const manifest = (items: readonly { readonly set: string; readonly id: string }[]): string =>
  createHash('sha256')
    .update(items.map(({ set, id }) => `${set}\t${id}\n`).join(''))
    .digest('hex');

/**
 * Opens the batches of a plan.
 * @throws {UsageError} when the mix asks for what the plan does not have
 */
export function openData(
  { train: samples, material, validation, heldOut, record }: DataPlan,
  config: TrainConfig,
): TrainingData {
  const { seed, batch: batchSize, size, data } = config;
  const { mix, workers, fit } = data;
  if (data.augment) {
    const sources = { samples, material, mix, sets: weightsOf(data) };
    const stream = new BatchStream({ ...sources, seed, batchSize, size, fit, workers });
    return { validation, heldOut, record, batch: step => stream.batch(step), close: () => stream.close() };
  }
  if (material.length > 0 || mix.pasted > 0)
    throw new UsageError('data.mix: synthetic, pristine and pasted examples need data.augment: true');
  return { validation, heldOut, record, ...plainBatches(samples, config) };
}

/**
 * Batches of samples as they are: every sample once, in random order, before any comes again; where sets have weights,
 * each time a sample is drawn by them. Whole pictures are
 * squeezed into the square; parts are cut around what is tampered and extended by reflection.
 */
export function plainBatches(
  samples: readonly Sample[],
  { batch: count, size, seed, data }: Pick<TrainConfig, 'batch' | 'size' | 'seed' | 'data'>,
): BatchSource {
  const place = ({ image, mask }: Example): Example => {
    if (data.fit === 'resize') return squeezed({ image, mask }, size);
    const part = cutAround({ image, mask }, size);
    return { image: extendTo(part.image, size, size), mask: extendTo(part.mask, size, size) };
  };
  const sets = weightsOf(data);
  const weights = sets && sampleWeights(samples, sets);
  const at = (position: number): Sample => {
    if (weights) return new Random(seed).fork(`sample/${position}`).pick(samples, weights);
    const epoch = Math.floor(position / samples.length);
    return new Random(seed).fork(`epoch/${epoch}`).shuffle(samples)[position % samples.length]!;
  };
  return {
    async batch(step) {
      const chosen = Array.from({ length: count }, (_, i) => at(step * count + i));
      const pairs = (await Promise.all(chosen.map(readPair))).map(place);
      return { image: toTensor(pairs.map(pair => pair.image)), mask: masksToTensor(pairs.map(pair => pair.mask)) };
    },
    close: () => Promise.resolve(),
  };
}
