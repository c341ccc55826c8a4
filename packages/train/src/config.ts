import { UsageError } from '@forgelens/autograd';
import { nearest } from '@forgelens/localize';
import { backbones, networks, pvtV2 } from '@forgelens/models';
import type { Optimizer, Schedule } from '@forgelens/nn';
import { adam, adamW, constantRate, cosine, matricesDecay, polynomial, sgd } from '@forgelens/nn';
import { parse } from 'yaml';
import { z } from 'zod';
import type { TrainingStepConfig } from './step.ts';

const count = z.int().min(1);
const weight = z.number().min(0);
const fraction = z.number().min(0).max(1);

const mode = z.enum(['code', 'paper']).optional().describe('Which of the two, where paper and official code differ.');
const patternNetwork = {
  backbone: z.enum(['r50', 'r101']).optional().describe('The ResNet encoder; r101.'),
  channels: count.multipleOf(32).optional().describe('Channels of the features, which all widths follow; 512.'),
};
const hrFormer = z.enum(['small', 'base']).optional().describe('The HRFormer encoder; base.');

const Model = z.discriminatedUnion('id', [
  z.strictObject({ id: z.literal('tracenet') }),
  z.strictObject({ id: z.literal('trionet') }),
  z.strictObject({
    id: z.literal('unet'),
    widths: z.array(count).min(1).optional().describe('Channels per resolution, finest first; [64, 128, 256, 512].'),
  }),
  z.strictObject({
    id: z.literal('m2sformer'),
    backbone: z
      .enum([...Object.keys(backbones), ...Object.keys(pvtV2)] as (keyof typeof backbones | keyof typeof pvtV2)[])
      .optional()
      .describe('The encoder; a size alone is one of PVT-v2. pvt-v2-b2.'),
    mode,
    spectra: count.max(16).optional().describe('DCT frequencies that channels are weighed by; 16.'),
    scales: count.max(3).optional().describe('Scales of the spatial attention; 2.'),
    difficulty: z
      .enum(['none', 'simple', 'edge-aware'])
      .optional()
      .describe('What guides the decoder: nothing, how sure the prior is, or its curvature; edge-aware.'),
  }),
  z.strictObject({ id: z.literal('cdfl'), ...patternNetwork, mode }),
  z.strictObject({
    id: z.literal('sdpal'),
    ...patternNetwork,
    mode,
    walks: count.optional().describe('Walks that start at each pixel in mode paper; 8.'),
  }),
  z.strictObject({
    id: z.literal('mpc'),
    backbone: hrFormer,
    mode,
    frozen: z.boolean().optional().describe('Whether only the head is trained, as in stage 2; false.'),
  }),
  z.strictObject({ id: z.literal('mpc-contrast'), backbone: hrFormer }),
]);

const decay = {
  weightDecay: weight.default(0).describe('How much of a weight is taken off, per learning rate.'),
  decays: z.enum(['all', 'matrices']).default('all').describe('Whether biases and norms decay too.'),
};
const betas = z.tuple([fraction, fraction]).default([0.9, 0.999]);
const learningRate = z.number().positive().describe('The highest learning rate.');

const OptimizerConfig = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('adamw'), learningRate, betas, eps: z.number().positive().default(1e-8), ...decay }),
  z.strictObject({ name: z.literal('adam'), learningRate, betas, eps: z.number().positive().default(1e-8), ...decay }),
  z.strictObject({
    name: z.literal('sgd'),
    learningRate,
    momentum: fraction.default(0),
    nesterov: z.boolean().default(false),
    ...decay,
  }),
]);

const PartConfig = z
  .strictObject({
    learningRateFactor: weight
      .default(1)
      .describe('Its learning rate, as a multiple; 0 leaves its weights as they are.'),
    weightDecay: weight.optional().describe("In place of the optimizer's."),
  })
  .describe('How a part of the network is trained.');

const warmup = z.int().min(0).default(0).describe('Steps in which the learning rate rises evenly to its peak.');
const minimum = z.number().min(0).default(0).describe('The learning rate at the end.');

const ScheduleConfig = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('constant') }),
  z.strictObject({ name: z.literal('cosine'), warmup, minimum }),
  z.strictObject({ name: z.literal('polynomial'), warmup, minimum, power: z.number().positive().default(0.9) }),
]);

const Mix = z
  .strictObject({
    tampered: weight.default(1).describe('Samples with label 1.'),
    authentic: weight.default(0).describe('Samples with label 0.'),
    synthetic: weight.default(0).describe('Forgeries made from the material of the index.'),
    pristine: weight
      .default(0)
      .describe('Photographs of the material: as they are, saved again, or with the history of a forgery.'),
    pasted: weight
      .default(0)
      .describe(
        'Parts of authentic samples, and of the material where it is used, laid into others in the shapes of real forgeries.',
      ),
  })
  .describe('How often an example comes from where; the numbers are weights.');

const Data = z.strictObject({
  index: z
    .string()
    .describe('A manifest, an index, a list or a folder of samples; relative to where the program is run.'),
  split: z.string().optional().describe('Only this split.'),
  sets: z
    .union([z.array(z.string()), z.record(z.string(), z.number().positive())], {
      error: 'expected names of sets, as in [a, b], or how often a sample comes from each, as in {a: 1, b: 2}',
    })
    .optional()
    .describe('Only these sets; with numbers, how often a sample comes from which, whatever their sizes.'),
  limit: count.optional().describe('Only the first so many samples of the mix.'),
  mix: Mix.prefault({}),
  fit: z
    .enum(['crop', 'resize'])
    .default('crop')
    .describe('crop: parts of pictures at their own scale; resize: whole pictures, squeezed into the square.'),
  augment: z
    .boolean()
    .default(true)
    .describe('Random crops, mirroring, turns and recompression. Without, samples as they are.'),
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Threads that prepare batches. They do not change what is in a batch.'),
});

const Fold = z
  .strictObject({
    number: count.describe('Which fold is set aside, counted from 1.'),
    of: z.int().min(2).default(5).describe('Folds that the samples are dealt into; M2SFormer has five.'),
    seed: z.int().min(0).default(1).describe('Of the dealing; the same one in all trainings of a cross-validation.'),
  })
  .refine(({ number, of }) => number <= of, { path: ['number'], error: 'must be at most the number of folds' })
  .describe('The fold that is set aside, as "forgelens data split" deals them; instead of a fraction.');

const Validation = z.strictObject({
  on: z
    .enum(['heldOut', 'training'])
    .default('heldOut')
    .describe('heldOut: samples set aside, whole source groups at a time; training: the training samples themselves.'),
  fraction: fraction
    .default(0.1)
    .describe('How much of the samples, and of the material, is set aside, unless a fold is.'),
  fold: Fold.optional(),
  every: count.default(500).describe('Steps between two validations.'),
  images: count
    .default(64)
    .describe('At most so many images, tampered and authentic ones alike as the samples have them.'),
  longestSide: count.default(512).describe('Larger images are cut to this around what is tampered; with fit: crop.'),
  stopAbove: fraction.optional().describe('Ends the training when the validation F1 is above this.'),
  patience: count.optional().describe('Ends the training when so many validations in a row have no better F1.'),
});

/** What a training is: everything that its result depends on. */
export const TrainConfig = z.strictObject({
  $schema: z.string().optional(),
  model: Model,
  seed: z
    .int()
    .min(0)
    .default(1)
    .describe('Of the first weights, the batches, the random numbers and the held-out part.'),
  steps: count,
  batch: count.describe('Images per batch, and per step unless gradients are accumulated.'),
  accumulate: count.optional().describe('Batches per step, which takes the mean of their gradients; 1.'),
  size: count.describe('Height and width of the training images, in pixels.'),
  optimizer: OptimizerConfig,
  schedule: ScheduleConfig.default({ name: 'constant' }),
  parts: z
    .record(z.string(), PartConfig)
    .optional()
    .describe('Parts of the network that are trained in another way than the rest, by name; the longest name counts.'),
  clip: z.number().positive().nullable().default(null).describe('The largest norm of all gradients together.'),
  ema: fraction.nullable().default(null).describe('How much of a moving average of the weights is kept at each step.'),
  recompute: z
    .boolean()
    .default(false)
    .describe('Computes parts of the forward pass again for the gradients: less memory, a third more time.'),
  weights: z.string().nullable().default(null).describe('A checkpoint to start from instead of random weights.'),
  fresh: z
    .array(z.string())
    .default([])
    .describe('Parts of the network that start from random weights although a checkpoint is given.'),
  data: Data,
  validation: Validation.prefault({}),
  checkpoint: z.strictObject({ every: count.default(500).describe('Steps between two checkpoints.') }).prefault({}),
});

export type TrainConfig = z.infer<typeof TrainConfig>;

/** The JSON Schema of what a configuration file may hold, for editors. */
export const trainJsonSchema = (): z.core.JSONSchema.BaseSchema => ({
  title: 'Configuration of "forgelens train"',
  ...z.toJSONSchema(TrainConfig, { io: 'input' }),
});

/**
 * A configuration from the text of a YAML file, with single values replaced.
 *
 * @param overrides - `optimizer.learningRate=1e-4`; the value is YAML
 * @param path - names the file in errors
 * @throws {UsageError} with everything that is wrong with it
 */
export function parseConfig(text: string, path: string, overrides: readonly string[] = []): TrainConfig {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  for (const override of overrides) raw = overridden(raw, override);
  return checkConfig(raw, path);
}

/** @throws {UsageError} with everything that is wrong with it */
export function checkConfig(raw: unknown, path: string): TrainConfig {
  const { success, data, error } = TrainConfig.safeParse(raw);
  if (success) return data;
  throw new UsageError(`${path}: ${error.issues.map(issue => explainIssue(issue, raw)).join('; ')}`);
}

function overridden(raw: unknown, override: string): unknown {
  const [, key, text] = /^([\w.]+)=(.*)$/s.exec(override) ?? [];
  if (key === undefined) throw new UsageError(`--set ${override}: must be <key>=<value>, as in --set batch=8`);
  const root: Record<string, unknown> = isRecord(raw) ? { ...raw } : {};
  const names = key.split('.');
  let at = root;
  for (const name of names.slice(0, -1)) {
    const part = at[name];
    at = at[name] = isRecord(part) ? { ...part } : {};
  }
  try {
    at[names.at(-1)!] = parse(text!);
  } catch (error) {
    throw new UsageError(`--set ${override}: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  return root;
}

function explainIssue(issue: z.core.$ZodIssue, raw: unknown): string {
  const { path } = issue;
  const value = valueAt(raw, path);
  const dotted = (...keys: PropertyKey[]) => keys.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(raw, path);
    return issue.keys
      .map(key => {
        const meant = nearest(key, known);
        const hint = meant === null ? '' : `; did you mean "${dotted(...path, meant)}"?`;
        return `unknown key "${dotted(...path, key)}"${hint} (keys: ${known.join(', ')})`;
      })
      .join('; ');
  }
  if (dotted(...path) === 'model.id' && typeof value === 'string') {
    const meant = nearest(value, Object.keys(networks));
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    return `unknown model "${value}"${hint} (models: ${Object.keys(networks).join(', ')})`;
  }
  const must = issue.message.replace(
    /^(Invalid input|Invalid option|Too small|Too big): |^Invalid discriminator value. /,
    '',
  );
  const given = value === undefined ? 'it is missing' : `it is ${JSON.stringify(value)}`;
  return `${dotted(...path) || 'the configuration'}: ${must.replace(/^E/, 'e').replace(/, received \w+$/, '')}, but ${given}`;
}

const valueAt = (raw: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? at[key as keyof typeof at] : undefined),
    raw,
  );

/** The part of a JSON Schema that says which keys there are. */
interface Keyed {
  readonly properties?: Readonly<Record<string, Keyed & { readonly const?: unknown }>>;
  readonly oneOf?: readonly Keyed[];
  /** What every key stands for, where any is allowed. */
  readonly additionalProperties?: Keyed | boolean;
}

/** The keys that the schema knows at a path, for what the configuration has chosen there. */
function knownKeys(raw: unknown, path: readonly PropertyKey[]): string[] {
  const properties = ({ properties: own, oneOf = [] }: Keyed, value: unknown): Keyed['properties'] & object =>
    own ??
    oneOf
      .map(one => one.properties ?? {})
      .find(one =>
        Object.entries(one).every(([key, { const: only }]) => only === undefined || only === valueAt(value, [key])),
      ) ??
    {};
  let part = trainJsonSchema() as Keyed;
  for (const [i, key] of path.entries()) {
    const { additionalProperties: any } = part;
    const known = properties(part, valueAt(raw, path.slice(0, i)))[String(key)];
    part = known ?? (typeof any === 'object' ? any : {});
  }
  return Object.keys(properties(part, valueAt(raw, path)));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The optimizer that a configuration describes. */
export function createOptimizer({ name, learningRate: _, decays, ...config }: TrainConfig['optimizer']): Optimizer {
  const make = { adamw: adamW, adam, sgd }[name];
  return make({ ...config, ...(decays === 'matrices' && { decays: matricesDecay }) });
}

/** What a configuration says of a step. */
export const trainingStepConfig = (config: TrainConfig): TrainingStepConfig => ({
  ...config,
  optimizer: createOptimizer(config.optimizer),
  parts: Object.fromEntries(
    Object.entries(config.parts ?? {}).map(([part, { learningRateFactor, ...own }]) => [
      part,
      { learningRateFactor, optimizer: createOptimizer({ ...config.optimizer, ...own }) },
    ]),
  ),
});

/**
 * The learning rate of each step, counted from 0.
 * @throws {UsageError} when the warm-up takes all steps
 */
export function createSchedule({ schedule, optimizer, steps }: TrainConfig): Schedule {
  const peak = optimizer.learningRate;
  if (schedule.name === 'constant') return constantRate(peak);
  const { warmup: warmupSteps, minimum, ...rest } = schedule;
  return (schedule.name === 'cosine' ? cosine : polynomial)({ peak, minimum, steps, warmupSteps, ...rest });
}
