import type { Shape, Tensor } from '@forgelens/autograd';
import { Random, Tensor as HostTensor, UsageError, float32 } from '@forgelens/autograd';
import type { Runtime, Tensors } from '@forgelens/autograd/runtime/node';
import type { Batch } from '@forgelens/data';
import { software } from '@forgelens/localize';
import type { LocalizerNetwork } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { countParameters, initialize } from '@forgelens/nn';
import type { TrainConfig } from './config.ts';
import { createOptimizer, createSchedule } from './config.ts';
import { curveSvg } from './curve.ts';
import type { BatchSource, TrainingData } from './data.ts';
import type { Ending, MetricsRecord, RunFolder, RunRecord, ValidationRecord } from './run-folder.ts';
import { buildTrainingStep, trainedWeights } from './step.ts';
import { Validator } from './validation.ts';
import { writeAtomically } from './write-file.ts';

export interface TrainOptions {
  readonly network: LocalizerNetwork;
  readonly runtime: Runtime;
  readonly data: TrainingData;
  readonly folder: RunFolder;
  /** Goes on from the folder's last checkpoint. */
  readonly resume?: boolean;
  /** The weights and buffers to begin with; random ones without. */
  readonly weights?: Weights;
  /** Is told of every step and validation when it is done. */
  readonly onRecord?: (record: MetricsRecord) => void;
  /** Is told what is unusual. */
  readonly onNotice?: (text: string) => void;
  /** When it is aborted, the step is finished and saved, and the training ends. */
  readonly signal?: AbortSignal;
}

/** How a training ended. */
export interface TrainResult {
  readonly step: number;
  readonly why: Ending;
  /** The best validation F1, and the step that reached it. */
  readonly best: { readonly f1: number; readonly step: number } | null;
}

/** How many batches are asked for ahead. */
const ahead = 3;

/**
 * Trains a network, and keeps the record of it in a folder. Batches and random numbers are functions of the seed and of
 * the step, so that a training that was killed at any moment goes on as if nothing had been: on the CPU with the same
 * losses to the last bit.
 *
 * @throws {UsageError} when the loss or a weight stops being a finite number
 * @throws {DataError} when a picture cannot be read or a file not be written
 * @throws {CheckpointError} when the checkpoint to go on from belongs to another configuration
 */
export async function train(config: TrainConfig, options: TrainOptions): Promise<TrainResult> {
  const { network, runtime, data, folder, signal, onRecord = () => {}, onNotice = () => {} } = options;
  const schedule = createSchedule(config);
  const trainingStep = buildTrainingStep(network, {
    ...config,
    optimizer: createOptimizer(config.optimizer),
  });

  const resumed = options.resume ? await folder.lastCheckpoint(config, onNotice) : null;
  if (options.resume && resumed === null) onNotice('there is no whole checkpoint yet: it starts again from step 0');
  let step = resumed?.step ?? 0;
  const state = resumed?.state ?? trainingStep.initialState(options.weights ?? initialize(network, config.seed));
  const earlier = options.resume ? await folder.forgetAfter(step) : [];
  const run: RunRecord = options.resume
    ? { ...(await folder.readRun()), ended: null }
    : describeRun(config, network, runtime, data);
  if (run.data.manifestSha256 !== data.record.manifestSha256)
    throw new UsageError(`${config.data.index}: lists other samples than when the training in ${folder.path} began`);
  await folder.writeRun(run);

  const executable = await runtime.compile(trainingStep.graph, state);
  const validator = new Validator(network, data.validation, config, runtime);
  const batches = new Prefetch(data, step, config.steps);
  const history: MetricsRecord[] = [...earlier];
  let best = bestOf(earlier);
  let saved = step;
  let why: Ending = 'failed';

  const record = (entry: MetricsRecord): void => {
    folder.append(entry);
    history.push(entry);
    onRecord(entry);
  };
  const save = async (tensors: Tensors): Promise<void> => {
    await folder.saveCheckpoint(step, tensors, config);
    saved = step;
  };

  try {
    while (step < config.steps && !signal?.aborted && !isGoodEnough(history, config)) {
      const started = performance.now();
      const { image, mask } = await batches.next();
      const waited = performance.now() - started;
      const learningRate = schedule(step);
      const { loss, gradientNorm } = await executable.run({
        image,
        mask,
        learningRate: float32([], [learningRate]),
        ...draws(config.seed, step, trainingStep.drawShapes),
      });
      step++;
      const lossValue = numberOf(loss!);
      if (!Number.isFinite(lossValue)) throw diverged(`the loss is ${lossValue}`, step, saved, folder);
      record({
        kind: 'step',
        step,
        loss: lossValue,
        learningRate,
        ...(gradientNorm && { gradientNorm: numberOf(gradientNorm) }),
        imagesPerSecond: (1000 * config.batch) / (performance.now() - started),
        waitedSeconds: waited / 1000,
      });

      const last = step === config.steps;
      const validates = data.validation.length > 0 && (step % config.validation.every === 0 || last);
      const saves = step % config.checkpoint.every === 0 || validates || last || signal?.aborted === true;
      if (!saves) continue;
      const tensors = await executable.readState();
      const broken = firstNotFinite(tensors);
      if (broken !== null) throw diverged(`${broken} is no longer finite`, step, saved, folder);
      if (validates) {
        const weights = trainedWeights(network, tensors);
        const validation: ValidationRecord = { kind: 'validation', step, ...(await validator.measure(weights)) };
        // The best weights before the line that says so, and the line before the checkpoint that stands on it.
        if (validation.f1 !== null && validation.f1 > (best?.f1 ?? -1)) {
          best = { f1: validation.f1, step };
          await folder.saveWeights('best.safetensors', weights, config, step, validation.f1);
        }
        record(validation);
        await writeAtomically(folder.file('curve.svg'), curveSvg(history));
      }
      await save(tensors);
    }
    why = step === config.steps ? 'finished' : signal?.aborted ? 'interrupted' : 'stopAbove';
    if (why === 'finished') {
      const weights = trainedWeights(network, await executable.readState());
      await folder.saveWeights('weights.safetensors', weights, config, step, null);
    }
    await writeAtomically(folder.file('curve.svg'), curveSvg(history));
    return { step, why, best };
  } finally {
    batches.stop();
    folder.close();
    await validator.close();
    await executable.close();
    await folder.writeRun({ ...run, ended: { at: new Date().toISOString(), step, why } }).catch(() => undefined);
  }
}

/** The batches of all steps from one on, asked for before they are needed. */
class Prefetch {
  private readonly source: BatchSource;
  private readonly steps: number;
  private readonly waiting: Promise<Batch>[] = [];
  private asked: number;

  constructor(source: BatchSource, first: number, steps: number) {
    this.source = source;
    this.steps = steps;
    this.asked = first;
    this.fill();
  }

  next(): Promise<Batch> {
    const batch = this.waiting.shift()!;
    this.fill();
    return batch;
  }

  /** Nobody waits any longer, so nobody is told of what fails. */
  stop(): void {
    for (const batch of this.waiting) batch.catch(() => undefined);
  }

  private fill(): void {
    while (this.waiting.length < ahead && this.asked < this.steps) {
      const batch = this.source.batch(this.asked++);
      // An error belongs to the step that needs the batch, not to the moment it happens.
      batch.catch(() => undefined);
      this.waiting.push(batch);
    }
  }
}

/** The uniform random numbers of a step. */
export function draws(seed: number, step: number, shapes: readonly Shape[]): Tensors {
  const random = new Random(seed).fork(`draw/${step}`);
  return Object.fromEntries(
    shapes.map((shape, i) => {
      const tensor = new HostTensor('float32', shape);
      for (let j = 0; j < tensor.size; j++) tensor.data[j] = random.uniform();
      return [`random.${i}`, tensor];
    }),
  );
}

function diverged(what: string, step: number, saved: number, folder: RunFolder): UsageError {
  const good =
    saved === 0 ? 'nothing was saved yet' : `the last good state is ${folder.file(`checkpoint-${saved}.safetensors`)}`;
  return new UsageError(
    `training diverged: after step ${step} ${what}; ${good}; lower optimizer.learningRate, lengthen schedule.warmup or set clip`,
  );
}

function firstNotFinite(tensors: Tensors): string | null {
  for (const [name, { data }] of Object.entries(tensors))
    if (data instanceof Float32Array) for (const value of data) if (!Number.isFinite(value)) return name;
  return null;
}

function bestOf(records: readonly MetricsRecord[]): TrainResult['best'] {
  let best: TrainResult['best'] = null;
  for (const record of records)
    if (record.kind === 'validation' && record.f1 !== null && record.f1 > (best?.f1 ?? -1))
      best = { f1: record.f1, step: record.step };
  return best;
}

/** Whether the last record is a validation that ends the training. */
function isGoodEnough(history: readonly MetricsRecord[], { validation: { stopAbove } }: TrainConfig): boolean {
  const last = history.at(-1);
  return last?.kind === 'validation' && stopAbove !== undefined && (last.f1 ?? 0) > stopAbove;
}

const numberOf = (tensor: Tensor): number => Number(tensor.data[0]);

const describeRun = (
  config: TrainConfig,
  network: LocalizerNetwork,
  runtime: Runtime,
  { record }: TrainingData,
): RunRecord => ({
  formatVersion: 1,
  config,
  versions: { [software.name]: software.version, node: process.versions.node },
  runtime: runtime.name,
  parameters: countParameters(network),
  data: record,
  started: new Date().toISOString(),
  ended: null,
});
