/**
 * A parity fixture against our network: weights and inputs are rebuilt from the fixture's generator, and units,
 * intermediate values, outputs, losses, gradients and one optimizer step are compared with what the official code
 * computed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor, Value } from '@forgelens/autograd';
import { build, grad, input } from '@forgelens/autograd';
import type { Runtime, Tensors } from '@forgelens/autograd/runtime/node';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import type { LocalizerNetwork, LocalizerOutput } from '@forgelens/models';
import type { Parameter } from '@forgelens/nn';
import { Context, namedParameters, optimize } from '@forgelens/nn';
import { subject as cdfl } from './cdfl.ts';
import type { Statistics } from './compare.ts';
import { Report } from './compare.ts';
import { fnv, generated, parameterValue, testImage, testMask, uniforms } from './generator.ts';
import { subject as m2sformer } from './m2sformer.ts';
import { subject as mpc } from './mpc.ts';
import { subject as sdpal } from './sdpal.ts';
import type { Subject, Training } from './subject.ts';

const subjects: Readonly<Record<string, Subject<never>>> = {
  cdfl: cdfl as unknown as Subject<never>,
  m2sformer: m2sformer as unknown as Subject<never>,
  mpc: mpc as unknown as Subject<never>,
  sdpal: sdpal as unknown as Subject<never>,
};

interface ForwardFixture {
  readonly model: string;
  readonly salt: number;
  readonly batch: number;
  readonly size: number;
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    /** Where it begins in forward.bin, in bytes; null in a slim fixture, which has only its statistics. */
    readonly offset: number | null;
    readonly stats: Statistics;
  }[];
  readonly extra: Readonly<Record<string, unknown>>;
  readonly intermediates: Readonly<Record<string, Statistics>>;
}
type GradientFixture =
  | readonly [
      l2: number,
      sum: number,
      first4: readonly number[],
      noise: number,
      /** The largest |float32 − float64| of the first four; official fixtures lack it. */
      noiseOfFirst4?: number,
    ]
  | null;
interface StepFixture {
  readonly loss: number;
  readonly total_grad_l2: number;
  readonly grads: Readonly<Record<string, GradientFixture>>;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly loss_after_one_optimizer_step?: number;
  /** The same of the network in float64: where gradients flip at thresholds, Adam's signs and so this loss differ. */
  readonly loss_after_one_optimizer_step_f64?: number;
  readonly 'bn_buffers_after_[sum,l2]'?: Readonly<Record<string, readonly [number, number]>>;
}
interface ParameterFixture {
  readonly entries: readonly (readonly [
    key: string,
    shape: readonly number[],
    kind: 'param' | 'buffer',
    dtype?: string,
  ])[];
  readonly parameters: number;
}

const readJson = <T>(folder: string, name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
const floats = (tensor: Tensor): Float32Array => tensor.data as Float32Array;
const norm = (data: Float32Array): number => Math.sqrt(data.reduce((sum, v) => sum + v * v, 0));

/** Our parameters by official key. */
function byOfficialKey(network: object, officialName: (name: string) => string): ReadonlyMap<string, Parameter> {
  return new Map([...namedParameters(network)].map(([name, parameter]) => [officialName(name), parameter]));
}

/** What the parts of a comparison share. */
interface Comparison {
  readonly folder: string;
  readonly forward: ForwardFixture;
  readonly report: Report;
  readonly subject: Subject;
  readonly runtime: Runtime;
  readonly feeds: Tensors;
  /** A new network with the generator's weights and its forward pass. */
  readonly prepare: (options: PrepareOptions) => Prepared;
}

interface PrepareOptions {
  readonly training: boolean;
  /** Makes the network; the subject's own without. */
  readonly create?: Training['create'];
  readonly replaced?: Readonly<Record<string, Tensor>>;
  /** The shape of the image; the fixture's without. */
  readonly shape?: readonly number[];
}

interface Prepared {
  readonly network: LocalizerNetwork;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly recorded: ReadonlyMap<string, Value>;
  readonly weights: ReadonlyMap<Value, { readonly name: string; readonly tensor: Tensor }>;
  readonly ctx: Context;
  readonly inputs: Readonly<Record<'image' | 'mask', Value>>;
  readonly output: LocalizerOutput;
}

/** The parts of a comparison, in the order in which a mistake is found most easily. */
const parts = {
  generator: compareGenerator,
  names: compareNames,
  units: compareUnits,
  forward: compareForward,
  training: compareTrainings,
} satisfies Record<string, (comparison: Comparison) => void | Promise<void>>;
export type Part = keyof typeof parts;

/** Compares each fixture in turn and prints its report; the exit code: 1 if anything is outside its tolerance. */
export async function compareFixtures(
  folders: readonly string[],
  print: (text: string) => void,
  chosen?: readonly Part[],
): Promise<0 | 1> {
  let held = true;
  for (const folder of folders) {
    const report = new Report();
    const start = performance.now();
    await compareFixture(folder, report, chosen);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    print(`${folder}: ${report.held ? 'holds' : 'DOES NOT HOLD'} (${seconds} s)\n${report.toString()}\n`);
    held &&= report.held;
  }
  return held ? 0 : 1;
}

/** Compares our network with what a fixture says that the official code computes: all parts, or the chosen ones. */
export async function compareFixture(
  folder: string,
  report: Report,
  chosen: readonly Part[] = Object.keys(parts) as Part[],
): Promise<void> {
  const forward = readJson<ForwardFixture>(folder, 'forward.json');
  const { salt, batch, size } = forward;
  const subject = subjects[forward.model] as Subject | undefined;
  if (!subject)
    throw new Error(
      `${folder}: no model "${forward.model}" to compare; there are: ${Object.keys(subjects).join(', ')}`,
    );
  const feeds = { image: testImage(batch, size, salt), mask: testMask(batch, size / (subject.maskReduction ?? 1)) };
  const prepare: Comparison['prepare'] = ({
    training,
    create = subject.create,
    replaced = {},
    shape = feeds.image.shape,
  }) => {
    const network: LocalizerNetwork = create(salt);
    const parameters = byOfficialKey(network, subject.officialName);
    const recorded = recordOutputs(network, subject.officialName);
    const weights = new Map(
      [...parameters].map(([key, parameter]) => [
        parameter as Value,
        { name: key, tensor: replaced[key] ?? parameterValue(key, parameter.shape, salt) },
      ]),
    );
    const ctx = new Context({ training });
    const inputs = { image: input('float32', shape), mask: input('float32', feeds.mask.shape) };
    const output = network.forward(inputs.image, ctx);
    return { network, parameters, recorded, weights, ctx, inputs, output };
  };
  const comparison: Comparison = { folder, forward, report, subject, runtime: nodeCpu(), feeds, prepare };
  for (const part of chosen) await parts[part](comparison);
}

function compareGenerator({ report, forward }: Comparison): void {
  report.exact('generator', 'seed of conv.weight', fnv('conv.weight'), 1492634855);
  if (forward.salt === 0)
    for (const [i, u] of [0.8368943328969181, 0.9746452891267836, 0.5541643497999758, 0.2824304497335106].entries())
      report.number('generator', `u ${i}`, uniforms('conv.weight', 4)[i]!, u, 1e-16);
}

function compareNames({ report, subject, forward, folder }: Comparison): void {
  const ours = byOfficialKey(subject.create(forward.salt), subject.officialName);
  const fixture = readJson<ParameterFixture>(folder, 'params.json');
  const expected = new Map(
    fixture.entries
      .filter(([key]) => !subject.officialConstants.test(key))
      .map(([key, shape, kind]) => [key, { shape, kind }]),
  );
  report.exact(
    'parameter names',
    'missing',
    [...expected.keys()].filter(key => !ours.has(key)),
    [],
  );
  report.exact(
    'parameter names',
    'extra',
    [...ours.keys()].filter(key => !expected.has(key)),
    [],
  );
  for (const [key, parameter] of ours) {
    const entry = expected.get(key);
    if (entry)
      report.exact(
        'parameter names',
        key,
        [parameter.shape, parameter.kind === 'weight' ? 'param' : 'buffer'],
        [entry.shape, entry.kind],
      );
  }
  const unused = fixture.entries.filter(([key, , kind]) => kind === 'param' && subject.officialConstants.test(key));
  const shapes = [
    ...[...ours.values()].filter(p => p.kind === 'weight').map(p => p.shape),
    ...unused.map(([, shape]) => shape),
  ];
  const count = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const what = `number of parameters${unused.length > 0 ? `, with ${unused.length} tensors of the official code that nothing uses` : ''}`;
  report.exact('parameter names', what, count, fixture.parameters);
}

/** Records what every module gives, by the module's official path. */
function recordOutputs(network: object, officialName: (name: string) => string): ReadonlyMap<string, Value> {
  const recorded = new Map<string, Value>();
  const keep = (name: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('dtype' in value && 'shape' in value) {
      const calls = [...recorded.keys()].filter(key => key === name || key.startsWith(`${name}@`)).length;
      recorded.set(calls === 0 ? name : `${name}@${calls + 1}`, value as Value);
    } else if (Array.isArray(value)) for (const [i, part] of value.entries()) keep(`${name}#${i}`, part);
    else if ('tokens' in value) keep(`${name}#0`, value.tokens);
  };
  const walk = (part: unknown, path: string): void => {
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || ('dtype' in part && 'shape' in part))
      return;
    const module = part as { forward?: (...inputs: unknown[]) => unknown };
    if (path !== '' && typeof module.forward === 'function') {
      const name = officialName(`${path}.weight`).replace(/\.weight$/, '');
      const forward = module.forward.bind(part);
      module.forward = (...inputs) => {
        const output = forward(...inputs);
        keep(name, output);
        if (officialName(path) !== name) keep(officialName(path), output);
        return output;
      };
    }
    for (const [key, child] of Object.entries(part))
      if (key !== 'forward') walk(child, path === '' ? key : `${path}.${key}`);
  };
  walk(network, '');
  return recorded;
}

async function compareUnits({ report, subject, folder, runtime, forward, feeds, prepare }: Comparison): Promise<void> {
  await subject.units(report, readJson<never>(folder, 'units.json'), {
    runtime,
    salt: forward.salt,
    async evaluate(replaced, choose) {
      const { output, recorded, inputs, weights } = prepare({ training: false, replaced });
      return runOnce(
        runtime,
        build({ inputs, outputs: choose(output as never, recorded, inputs.mask), weights }),
        feeds,
      );
    },
  });
}

async function compareForward(comparison: Comparison): Promise<void> {
  const { report, subject, folder, runtime, forward, feeds, prepare } = comparison;
  const { output, recorded, inputs, weights } = prepare({ training: false });
  const known = new Map([...recorded, ...Object.entries(subject.functional?.(output, recorded) ?? {})]);
  const intermediates = Object.keys(forward.intermediates).filter(name => known.has(name));
  const outputs: Record<string, Value> = { ...subject.extras?.(output) };
  for (const [name, value] of Object.entries(subject.heads(output, recorded))) outputs[`head ${name}`] = value;
  for (const name of intermediates) outputs[`module ${name}`] = known.get(name)!;
  const results: Record<string, Tensor> = {
    ...(await runOnce(runtime, build({ inputs, outputs, weights }), feeds)),
    ...(await runOtherImages(comparison)),
  };

  for (const name of intermediates)
    report.statistics(
      'intermediate values',
      name,
      floats(results[`module ${name}`]!),
      forward.intermediates[name]!,
      1e-4,
    );
  const all = Object.keys(forward.intermediates).length;
  report.exact(
    'intermediate values',
    `at least half of the ${all} official modules are compared`,
    intermediates.length * 2 >= all,
    true,
  );

  for (const { name, shape, offset, stats } of forward.tensors) {
    const actual = results[`head ${name}`];
    report.exact('outputs', `${name} shape`, actual?.shape, shape);
    if (!actual) continue;
    // Elements get five times this tolerance: as much as those of forward.bin, or less.
    if (offset === null) report.statistics('outputs', name, floats(actual), stats, 2e-5);
    else compareHead(report, name, floats(actual), floatsAt(folder, offset, actual.size), stats);
  }
  subject.checkExtra?.(report, 'extra, forward', forward.extra, results);
}

/** The heads of images of other shapes. */
async function runOtherImages({ subject, forward, runtime, prepare }: Comparison): Promise<Tensors> {
  const results: Record<string, Tensor> = {};
  for (const { batch, size, heads } of subject.otherImages ?? []) {
    const image = testImage(batch, size, forward.salt);
    const { output, inputs, weights } = prepare({ training: false, shape: image.shape });
    const outputs = Object.fromEntries(Object.entries(heads(output)).map(([name, head]) => [`head ${name}`, head]));
    const graph = build({ inputs: { image: inputs.image }, outputs, weights });
    Object.assign(results, await runOnce(runtime, graph, { image }));
  }
  return results;
}

function floatsAt(folder: string, offset: number, count: number): Float32Array {
  const bytes = readFileSync(join(folder, 'forward.bin'));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + 4 * count));
}

/** The pixel that is farthest from its reference. */
function compareHead(
  report: Report,
  name: string,
  actual: Float32Array,
  expected: Float32Array,
  stats: Statistics,
): void {
  const off = (i: number) => Math.abs(actual[i]! - expected[i]!);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) if (off(i) > off(worst) || Number.isNaN(off(i))) worst = i;
  report.number('outputs', `${name}[${worst}]`, actual[worst]!, expected[worst]!, 1e-4 * Math.max(1, stats.std));
}

async function compareTrainings(comparison: Comparison): Promise<void> {
  for (const training of comparison.subject.trainings) await compareTraining(comparison, training);
}

async function compareTraining(comparison: Comparison, example: Training): Promise<void> {
  const { report, subject, folder, runtime, feeds, prepare } = comparison;
  const steps = readJson<Readonly<Record<string, StepFixture>>>(folder, 'train.json');
  for (const mode of ['evalbn', 'train'] as const) {
    const kind = example.sections[mode];
    const expected = steps[kind]!;
    const training = mode === 'train';
    const { network, parameters, ctx, inputs, output, weights } = prepare({ training, create: example.create });
    const loss = network.loss(output, inputs.mask);
    const trained = [...parameters].filter(([, p]) => p.kind === 'weight');
    const gradients = grad(
      loss,
      trained.map(([, p]) => p),
    );
    const outputs: Record<string, Value> = { loss, ...subject.extras?.(output) };
    for (const [i, [key]] of trained.entries()) if (gradients[i]) outputs[`gradient ${key}`] = gradients[i];
    for (const [key, parameter] of parameters)
      if (ctx.updates.has(parameter)) outputs[`buffer ${key}`] = ctx.updates.get(parameter)!;
    const results = await runOnce(runtime, build({ inputs, outputs, weights }), feeds);
    report.number(
      `loss, ${kind}`,
      'loss',
      results['loss']!.data[0] as number,
      expected.loss,
      1e-4 * Math.abs(expected.loss),
    );
    subject.checkExtra?.(report, `extra, ${kind}`, expected.extra, results);
    compareGradients(report, `gradients, ${kind}`, expected, training, results, subject.flips);
    for (const [key, [sum, l2]] of Object.entries(expected['bn_buffers_after_[sum,l2]'] ?? {})) {
      if (subject.officialConstants.test(key)) continue;
      // A network of one stage may lack what only another has.
      if (!parameters.has(key)) continue;
      const actual = results[`buffer ${key}`];
      report.exact(`running statistics, ${kind}`, `${key} is updated`, actual !== undefined, true);
      if (!actual) continue;
      report.number(`running statistics, ${kind}`, `${key} l2`, norm(floats(actual)), l2, 1e-4 * Math.max(1e-2, l2));
      report.number(
        `running statistics, ${kind}`,
        `${key} sum`,
        floats(actual).reduce((a, b) => a + b, 0),
        sum,
        1e-4 * Math.max(1e-2, l2) * Math.sqrt(actual.size),
      );
    }
  }
  await compareOptimizerStep(comparison, example, steps[example.sections.train]!);
}

/**
 * How far gradients in training may be off where a network flips, as a share of their size. Between the official CDFL
 * and the same network in the same PyTorch, single elements differ by up to 0.28; between two ways in which ONNX
 * Runtime computes ours, norms by up to 0.026.
 */
const flipped = { norm: 0.03, element: 0.35 };

function compareGradients(
  report: Report,
  kind: string,
  expected: StepFixture,
  training: boolean,
  results: Tensors,
  flips = false,
): void {
  const floor = 1e-6 * expected.total_grad_l2;
  for (const [key, reference] of Object.entries(expected.grads)) {
    const actual = results[`gradient ${key}`];
    report.exact(kind, `${key} has a gradient`, actual !== undefined, reference !== null);
    if (!actual || reference === null) continue;
    const [l2, , first4, noise, noiseOfFirst4 = 0] = reference;
    const limits = training && flips ? flipped : { norm: training ? 1e-2 : 1e-3, element: 0 };
    const relative = training ? Math.max(5 * noise, limits.norm) : limits.norm;
    report.number(kind, `${key} l2`, norm(floats(actual)), l2, relative * l2 + floor);
    // In training, noise is a share of the whole gradient: the elements given may be smaller than most.
    const typical = training ? l2 / Math.sqrt(actual.size) : 0;
    const scale = Math.max(...first4.map(Math.abs), typical);
    const share = Math.max(relative, limits.element);
    const tolerance = Math.max(share * scale, training ? 5 * noiseOfFirst4 : 0) + floor;
    for (const [i, value] of first4.entries())
      report.number(kind, `${key} element ${i}`, floats(actual)[i]!, value, tolerance);
  }
  const norms = Object.entries(results).map(([name, tensor]) =>
    name.startsWith('gradient ') ? norm(floats(tensor)) : 0,
  );
  report.number(
    kind,
    'norm of all gradients',
    Math.hypot(...norms),
    expected.total_grad_l2,
    (training ? 1e-2 : 1e-3) * expected.total_grad_l2,
  );
}

/** One step of the official optimizer, as our one-graph training step, then the loss of a second pass in training. */
async function compareOptimizerStep(
  { report, runtime, feeds, prepare }: Comparison,
  { sections, create, optimizer, learningRate: rate, moves = () => true }: Training,
  expected: StepFixture,
): Promise<void> {
  if (expected.loss_after_one_optimizer_step === undefined) return;
  const { network, parameters, inputs, output, weights } = prepare({ training: true, create });
  const loss = network.loss(output, inputs.mask);
  const trained = [...parameters].filter(([key, p]) => p.kind === 'weight' && moves(key));
  const gradients = grad(
    loss,
    trained.map(([, p]) => p),
  );
  const learningRate = input('float32', []);
  const state = optimize(
    optimizer,
    trained.map(([name, value], i) => ({ name, value, gradient: gradients[i] ?? null })),
    learningRate,
  );
  const first = Object.fromEntries([...weights.values()].map(({ name, tensor }) => [name, tensor]));
  const buffers = new Map([...weights].filter(([value]) => !trained.some(([, p]) => p === value)));
  const initial = Object.fromEntries(trained.map(([name]) => [name, first[name]!]));
  const executable = await runtime.compile(
    build({ inputs: { ...inputs, learningRate }, outputs: { loss }, state, weights: buffers }),
    initial,
  );
  const run = () => executable.run({ ...feeds, learningRate: generated('', [], 0, () => rate) });
  await run();
  const second = (await run())['loss']!.data[0] as number;
  await executable.close();
  const reference = expected.loss_after_one_optimizer_step;
  const noise = Math.abs((expected.loss_after_one_optimizer_step_f64 ?? reference) - reference);
  const tolerance = Math.max(2e-3 * Math.abs(reference), 3 * noise);
  report.number(`loss after one step, ${sections.train}`, 'loss', second, reference, tolerance);
}
