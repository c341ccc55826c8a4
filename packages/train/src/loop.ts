import { CheckpointError, DataError, UsageError } from '@forgelens/autograd';
import type { Tensor } from '@forgelens/autograd';
import type { Runtime } from '@forgelens/autograd/runtime/node';
import { software } from '@forgelens/localize';
import type { LocalizerNetwork } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { countParameters, initialize } from '@forgelens/nn';
import type { TrainConfig } from './config.ts';
import { createSchedule, trainingStepConfig } from './config.ts';
import type { TrainingData } from './data.ts';
import type { Best } from './guards.ts';
import { bestOf, diverged, divergence, endsEarly, firstNotFinite } from './guards.ts';
import { Prefetch } from './prefetch.ts';
import type { Ending, MetricsRecord, RunFolder, RunRecord, ValidationRecord } from './run-folder.ts';
import { buildTrainingStep, trainedWeights } from './step.ts';
import { Validator } from './validation.ts';
import { saveView } from './views.ts';

export interface TrainOptions {
  readonly network: LocalizerNetwork;
  readonly runtime: Runtime;
  readonly data: TrainingData;
  readonly folder: RunFolder;
  /** Goes on from the folder's last checkpoint. */
  readonly resume?: boolean;
  /** The weights and buffers to begin with; random ones without. */
  readonly weights?: Weights;
  /** Is told of every step and validation when it is done, and waited for. */
  readonly onRecord?: (record: MetricsRecord) => void | Promise<void>;
  /** Is told what is unusual. */
  readonly onNotice?: (text: string) => void;
  /** When it is aborted, the step is finished and saved, and the training ends. */
  readonly signal?: AbortSignal;
}

/** How a training ended. */
export interface TrainResult {
  readonly step: number;
  readonly why: Ending;
  readonly best: Best | null;
}

/**
 * Trains a network, and keeps the record of it in a folder. Batches and random numbers are functions of the seed and of
 * the step, so that a training that was killed at any moment goes on as if nothing had been: on the CPU with the same
 * losses to the last bit.
 *
 * @throws {UsageError} when the training diverges: the loss or a weight is no finite number, or the loss rises for good
 * @throws {DataError} when a picture cannot be read or a file not be written; it names the last state that was saved
 * @throws {CheckpointError} when the checkpoint to go on from belongs to another configuration
 */
export async function train(config: TrainConfig, options: TrainOptions): Promise<TrainResult> {
  const { network, runtime, data, folder, signal, onRecord = () => {}, onNotice = () => {} } = options;
  const { seed, steps, batch: batchSize, accumulate = 1 } = config;
  const schedule = createSchedule(config);
  const trainingStep = buildTrainingStep(network, trainingStepConfig(config));

  let resumed = options.resume ? await folder.lastCheckpoint(config, onNotice) : null;
  if (options.resume && resumed === null) onNotice('there is no whole checkpoint yet: it starts again from step 0');
  let step = resumed?.step ?? 0;
  const earlier = options.resume ? await folder.forgetAfter(step) : [];
  const run: RunRecord = options.resume
    ? { ...(await folder.readRun()), ended: null }
    : describeRun(config, network, runtime, data);
  if (run.data.manifestSha256 !== data.record.manifestSha256)
    throw new UsageError(`${config.data.index}: lists other samples than when the training in ${folder.path} began`);
  if (!options.resume) await folder.writeHeldOut(data.heldOut);
  await folder.writeRun(run);

  const lacking = Object.keys(trainingStep.graph.state).find(name => resumed !== null && !(name in resumed.state));
  if (lacking !== undefined)
    throw new CheckpointError(folder.checkpointFile(step), `holds no "${lacking}", without which it cannot go on`);
  const executable = await runtime.compile(
    trainingStep.graph,
    resumed?.state ?? trainingStep.initialState(options.weights ?? initialize(network, seed)),
  );
  resumed = null; // Else its tensors would stay in memory beside those of the device.
  const validator = new Validator(network, data.validation, config, runtime);
  const batches = new Prefetch(data, step * accumulate, steps * accumulate);
  const history: MetricsRecord[] = [...earlier];
  let best = bestOf(earlier);
  let saved = step;
  let why: Ending = 'failed';

  const record = async (entry: MetricsRecord): Promise<void> => {
    folder.append(entry);
    history.push(entry);
    await onRecord(entry);
  };
  const lastGood = (): string =>
    saved === 0 ? 'nothing was saved yet' : `the last good state is ${folder.checkpointFile(saved)}`;

  try {
    while (step < steps && !signal?.aborted && endsEarly(history, config) === null) {
      const started = performance.now();
      const learningRate = schedule(step);
      let [loss, waited] = [0, 0];
      let gradientNorm: Tensor | undefined;
      for (let number = step * accumulate; number < (step + 1) * accumulate; number++) {
        const asked = performance.now();
        const batch = await batches.next();
        waited += performance.now() - asked;
        const outputs = await executable.run(trainingStep.inputs(batch, number, { seed, learningRate }));
        loss += numberOf(outputs['loss']!) / accumulate;
        gradientNorm = outputs['gradientNorm'];
      }
      step++;
      if (!Number.isFinite(loss)) throw diverged(step, `the loss is ${loss}`, lastGood());
      await record({
        kind: 'step',
        step,
        loss,
        learningRate,
        ...(gradientNorm && { gradientNorm: numberOf(gradientNorm) }),
        imagesPerSecond: (1000 * batchSize * accumulate) / (performance.now() - started),
        waitedSeconds: waited / 1000,
      });
      const problem = divergence(history, step);
      if (problem !== null)
        throw diverged(step, problem, best ? `the best weights are ${folder.file('best.safetensors')}` : lastGood());

      const last = step === steps;
      const validates = data.validation.length > 0 && (step % config.validation.every === 0 || last);
      const saves = step % config.checkpoint.every === 0 || validates || last || signal?.aborted === true;
      if (!saves) continue;
      const tensors = await executable.readState();
      const broken = firstNotFinite(tensors);
      if (broken !== null) throw diverged(step, `${broken} is no longer finite`, lastGood());
      if (validates) {
        const weights = trainedWeights(network, tensors);
        const measured = await validator.measure(weights, (view, i) => saveView(folder, i, step, view));
        const validation: ValidationRecord = { kind: 'validation', step, ...measured };
        // The best weights before the line that says so, and the line before the checkpoint that stands on it.
        if (validation.f1 !== null && validation.f1 > (best?.f1 ?? -1)) {
          best = { f1: validation.f1, step };
          await folder.saveWeights('best.safetensors', weights, config, step, validation.f1);
        }
        await record(validation);
      }
      await folder.saveCheckpoint(step, tensors, config);
      saved = step;
    }
    why = step === steps ? 'finished' : signal?.aborted ? 'interrupted' : endsEarly(history, config)!;
    if (why === 'finished') {
      const weights = trainedWeights(network, await executable.readState());
      await folder.saveWeights('weights.safetensors', weights, config, step, null);
    }
    return { step, why, best };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const problem = error.message.slice(`${error.path}: `.length);
    throw new DataError(error.path, `${problem}; ${lastGood()}`, { cause: error });
  } finally {
    batches.stop();
    folder.close();
    await validator.close();
    await executable.close();
    await folder.writeRun({ ...run, ended: { at: new Date().toISOString(), step, why } }).catch(() => undefined);
  }
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
