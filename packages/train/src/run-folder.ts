import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, DataError, UsageError, readSafetensors, writeSafetensors } from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import type { Sample } from '@forgelens/data';
import { writeManifest } from '@forgelens/data';
import type { Weights } from '@forgelens/nn';
import type { TrainConfig } from './config.ts';
import { checkConfig } from './config.ts';
import { cannotWrite, makeFolder, temporaryPrefix, writeAtomically } from './write-file.ts';

/** One step, counted from 1. */
export interface StepRecord {
  readonly kind: 'step';
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping; only where gradients are clipped. */
  readonly gradientNorm?: number;
  readonly imagesPerSecond: number;
  /** How much of the step was waiting for its batch. */
  readonly waitedSeconds: number;
}

/** How good the weights are after a step. */
export interface ValidationRecord {
  readonly kind: 'validation';
  readonly step: number;
  /** Mean of the tampered images' F1 at the threshold 0.5; null when there are none. */
  readonly f1: number | null;
  /** Mean of the tampered images' AUC of their pixels, from raw probabilities; null when there are none. */
  readonly auc: number | null;
  /** Mean over the authentic images of the part that is flagged, in [0, 1]; null when there are none. */
  readonly falseAlarmArea: number | null;
  readonly tamperedImages: number;
  readonly authenticImages: number;
  readonly seconds: number;
}

/** One line of `metrics.jsonl`. */
export type MetricsRecord = StepRecord | ValidationRecord;

/** What `run.json` says: everything that the result depends on, and how it went. */
export interface RunRecord {
  readonly formatVersion: 1;
  readonly config: TrainConfig;
  readonly versions: Readonly<Record<string, string>>;
  readonly runtime: string;
  readonly parameters: number;
  readonly data: DataRecord;
  readonly started: string;
  /** Null while it goes on, and when it was killed. */
  readonly ended: { readonly at: string; readonly step: number; readonly why: Ending } | null;
}

export type Ending = 'finished' | 'interrupted' | 'stopAbove' | 'patience' | 'failed';

export interface DataRecord {
  /** How many there are of each kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** SHA-256 over what is in the sources: two trainings with the same one saw the same list. */
  readonly manifestSha256: string;
}

/** Where a training goes on. */
export interface Resumption {
  readonly step: number;
  readonly state: Tensors;
}

const checkpointName = /^checkpoint-(\d+)\.safetensors$/;

/** The SHA-256 of a configuration. */
export const configSha256 = (config: TrainConfig): string =>
  createHash('sha256').update(JSON.stringify(config)).digest('hex');

/**
 * The folder of one training: `run.json`, `metrics.jsonl`, the last two `checkpoint-<step>.safetensors`,
 * `best.safetensors`, `held-out.jsonl`, and in `samples/` what there is to see of a few validation pictures. Every file in
 * it is whole at every moment; a line of the metrics may be cut off.
 */
export class RunFolder {
  readonly path: string;
  private metrics: number | null = null;

  constructor(path: string) {
    this.path = path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** @throws {UsageError} when there is a training in it already */
  create(): void {
    if (existsSync(this.file('run.json')))
      throw new UsageError(
        `${this.path}: holds a training already; go on with --resume ${this.path}, or choose another --out`,
      );
    try {
      makeFolder(this.path);
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  writeRun(record: RunRecord): Promise<void> {
    return writeAtomically(this.file('run.json'), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Lists what was set aside, as a manifest; nothing where nothing was. */
  async writeHeldOut(samples: readonly Sample[]): Promise<void> {
    if (samples.length === 0) return;
    const path = this.file('held-out.jsonl');
    await writeAtomically(path, await writeManifest(samples, { path }));
  }

  /** @throws {UsageError} when the folder holds no training */
  async readRun(): Promise<RunRecord> {
    const path = this.file('run.json');
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) throw new UsageError(`${this.path}: holds no run.json; --resume needs the folder of a training`);
    let record: RunRecord;
    try {
      record = JSON.parse(text) as RunRecord;
    } catch (error) {
      throw new UsageError(`${path}: is not JSON; was it edited?`, { cause: error });
    }
    return { ...record, config: checkConfig(record.config, path) };
  }

  /** Adds a line to the metrics. */
  append(record: MetricsRecord): void {
    const path = this.file('metrics.jsonl');
    try {
      this.metrics ??= openSync(path, 'a');
      // Unlike writeSync it does not stop at what a full disk still takes.
      writeFileSync(this.metrics, `${JSON.stringify(record)}\n`);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  async readMetrics(): Promise<MetricsRecord[]> {
    const text = await readFile(this.file('metrics.jsonl'), 'utf8').catch(() => '');
    // What comes after the last line break is a line that was cut off.
    const lines = text.split('\n').slice(0, -1);
    return lines.map(line => JSON.parse(line) as MetricsRecord);
  }

  /** Drops what was recorded after a step. */
  async forgetAfter(step: number): Promise<MetricsRecord[]> {
    const kept = (await this.readMetrics()).filter(record => record.step <= step);
    await writeAtomically(this.file('metrics.jsonl'), kept.map(record => `${JSON.stringify(record)}\n`).join(''));
    return kept;
  }

  checkpointFile(step: number): string {
    return this.file(`checkpoint-${step}.safetensors`);
  }

  /** Saves all that is needed to go on after a step, and removes all but the last two checkpoints. */
  async saveCheckpoint(step: number, state: Tensors, config: TrainConfig): Promise<string> {
    if (this.metrics !== null) fsyncSync(this.metrics);
    const path = this.checkpointFile(step);
    await writeAtomically(path, writeSafetensors(state, { ...describe(config, step), kind: 'training' }));
    for (const { name } of (await this.checkpoints()).slice(2)) await rm(this.file(name), { force: true });
    return path;
  }

  /** Saves weights and buffers alone, to be used. */
  async saveWeights(
    name: string,
    weights: Weights,
    config: TrainConfig,
    step: number,
    f1: number | null,
  ): Promise<void> {
    const metadata = { ...describe(config, step), kind: 'weights', ...(f1 !== null && { validationF1: String(f1) }) };
    await writeAtomically(this.file(name), writeSafetensors(weights, metadata));
  }

  /**
   * The last checkpoint that is whole; null when there is none. Half-written files are removed.
   *
   * @param onNotice - is told of checkpoints that are not whole
   * @throws {CheckpointError} when it belongs to another configuration
   */
  async lastCheckpoint(config: TrainConfig, onNotice: (text: string) => void): Promise<Resumption | null> {
    for (const name of await readdir(this.path))
      if (name.startsWith(temporaryPrefix)) await rm(this.file(name), { force: true });
    for (const { name, step } of await this.checkpoints()) {
      const path = this.file(name);
      try {
        const { tensors, metadata } = readSafetensors(await readFile(path), path);
        if (metadata['configSha256'] !== configSha256(config))
          throw new CheckpointError(path, 'belongs to another configuration than run.json; was run.json edited?');
        return { step, state: Object.fromEntries(tensors) };
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        onNotice(`skipped a checkpoint that is not whole: ${error.message}`);
        await rm(path, { force: true });
      }
    }
    return null;
  }

  /** The checkpoints by name, the last one first. */
  private async checkpoints(): Promise<{ name: string; step: number }[]> {
    return (await readdir(this.path))
      .flatMap(name => {
        const step = checkpointName.exec(name)?.[1];
        return step === undefined ? [] : [{ name, step: Number(step) }];
      })
      .sort((a, b) => b.step - a.step);
  }

  close(): void {
    if (this.metrics !== null) closeSync(this.metrics);
    this.metrics = null;
  }
}

const describe = (config: TrainConfig, step: number): Readonly<Record<string, string>> => ({
  format: 'forgelens-checkpoint',
  formatVersion: '1',
  model: JSON.stringify(config.model),
  configSha256: configSha256(config),
  size: String(config.size),
  step: String(step),
});
