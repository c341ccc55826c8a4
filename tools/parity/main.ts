/**
 * npm run parity -- <fixture folder> …
 *
 * Rebuilds weights and inputs of a parity fixture from its generator, runs our network, and compares units,
 * intermediate values, outputs, losses, gradients and one optimizer step with what the official code computed.
 * Prints the worst comparison of each kind; exits 1 on a mismatch or on any missing, extra or differently shaped
 * parameter name.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor, Value } from '@forgelens/autograd';
import { build, grad, input } from '@forgelens/autograd';
import type { Tensors } from '@forgelens/autograd/runtime/node';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import type { LocalizerNetwork, LocalizerOutput } from '@forgelens/models';
import type { Parameter } from '@forgelens/nn';
import { Context, namedParameters, optimize, zerosFor } from '@forgelens/nn';
import type { Statistics } from './compare.ts';
import { Report } from './compare.ts';
import { fnv, generated, parameterValue, testImage, testMask, uniforms } from './generator.ts';
import { subject as m2sformer } from './m2sformer.ts';
import type { Subject } from './subject.ts';

const subjects: Readonly<Record<string, Subject<never>>> = { m2sformer: m2sformer as unknown as Subject<never> };

interface ForwardFixture {
  readonly model: string;
  readonly salt: number;
  readonly batch: number;
  readonly size: number;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly offset: number; readonly stats: Statistics }[];
  readonly extra: Readonly<Record<string, unknown>>;
  readonly intermediates: Readonly<Record<string, Statistics>>;
}
type GradientFixture = readonly [l2: number, sum: number, first4: readonly number[], noise: number] | null;
interface StepFixture {
  readonly loss: number;
  readonly total_grad_l2: number;
  readonly grads: Readonly<Record<string, GradientFixture>>;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly loss_after_one_optimizer_step?: number;
  readonly 'bn_buffers_after_[sum,l2]'?: Readonly<Record<string, readonly [number, number]>>;
}
interface ParameterFixture {
  readonly entries: readonly (readonly [key: string, shape: readonly number[], kind: 'param' | 'buffer', dtype?: string])[];
  readonly parameters: number;
}

const readJson = <T>(folder: string, name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;
const floats = (tensor: Tensor): Float32Array => tensor.data as Float32Array;
const norm = (data: Float32Array): number => Math.sqrt(data.reduce((sum, v) => sum + v * v, 0));

/** Our parameters by official key. */
function byOfficialKey(network: object, officialName: (name: string) => string): ReadonlyMap<string, Parameter> {
  return new Map([...namedParameters(network)].map(([name, parameter]) => [officialName(name), parameter]));
}

function checkNames(report: Report, ours: ReadonlyMap<string, Parameter>, fixture: ParameterFixture, constants: RegExp): void {
  const expected = new Map(fixture.entries.filter(([key]) => !constants.test(key)).map(([key, shape, kind]) => [key, { shape, kind }]));
  report.exact('parameter names', 'missing', [...expected.keys()].filter(key => !ours.has(key)), []);
  report.exact('parameter names', 'extra', [...ours.keys()].filter(key => !expected.has(key)), []);
  for (const [key, parameter] of ours) {
    const entry = expected.get(key);
    if (entry) report.exact('parameter names', key, [parameter.shape, parameter.kind === 'weight' ? 'param' : 'buffer'], [entry.shape, entry.kind]);
  }
  const count = [...ours.values()].filter(p => p.kind === 'weight').reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0);
  report.exact('parameter names', 'number of parameters', count, fixture.parameters);
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
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || ('dtype' in part && 'shape' in part)) return;
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
    for (const [key, child] of Object.entries(part)) if (key !== 'forward') walk(child, path === '' ? key : `${path}.${key}`);
  };
  walk(network, '');
  return recorded;
}

async function compareFixture(folder: string, report: Report): Promise<void> {
  const runtime = nodeCpu();
  const forward = readJson<ForwardFixture>(folder, 'forward.json');
  const { salt, batch, size } = forward;
  const subject = subjects[forward.model] as Subject | undefined;
  if (!subject) throw new Error(`${folder}: no model "${forward.model}" to compare; there are: ${Object.keys(subjects).join(', ')}`);
  const { officialName } = subject;

  report.exact('generator', 'seed of conv.weight', fnv('conv.weight'), 1492634855);
  if (salt === 0) for (const [i, u] of [0.8368943328969181, 0.9746452891267836, 0.5541643497999758, 0.2824304497335106].entries())
    report.number('generator', `u ${i}`, uniforms('conv.weight', 4)[i]!, u, 1e-16);

  const image = testImage(batch, size, salt);
  const mask = testMask(batch, size);
  const prepare = (training: boolean, replaced: Readonly<Record<string, Tensor>> = {}) => {
    const network: LocalizerNetwork = subject.create(salt);
    const parameters = byOfficialKey(network, officialName);
    const recorded = recordOutputs(network, officialName);
    const weights = new Map(
      [...parameters].map(([key, parameter]) => [
        parameter as Value,
        { name: key, tensor: replaced[key] ?? parameterValue(key, parameter.shape, salt) },
      ]),
    );
    const ctx = new Context({ training });
    const inputs = { image: input('float32', image.shape), mask: input('float32', mask.shape) };
    const output = network.forward(inputs.image, ctx);
    return { network, parameters, recorded, weights, ctx, inputs, output };
  };
  const feeds = { image, mask };

  checkNames(report, byOfficialKey(subject.create(salt), officialName), readJson<ParameterFixture>(folder, 'params.json'), subject.officialConstants);

  await subject.units(report, readJson<never>(folder, 'units.json'), {
    runtime,
    salt,
    async evaluate(replaced, choose) {
      const { output, recorded, inputs, weights } = prepare(false, replaced);
      return runOnce(runtime, build({ inputs, outputs: choose(output as never, recorded, inputs.mask), weights }), feeds);
    },
  });

  {
    const { output, recorded, inputs, weights } = prepare(false);
    const heads = subject.heads(output);
    const known = new Map([...recorded, ...Object.entries(subject.functional(output))]);
    const intermediates = Object.keys(forward.intermediates).filter(name => known.has(name));
    const outputs: Record<string, Value> = { ...subject.extras(output) };
    for (const [name, value] of Object.entries(heads)) outputs[`head ${name}`] = value;
    for (const name of intermediates) outputs[`module ${name}`] = known.get(name)!;
    const results = await runOnce(runtime, build({ inputs, outputs, weights }), feeds);
    for (const name of intermediates)
      report.statistics('intermediate values', name, floats(results[`module ${name}`]!), forward.intermediates[name]!, 1e-4);
    const all = Object.keys(forward.intermediates).length;
    report.exact('intermediate values', `at least half of the ${all} official modules are compared`, intermediates.length * 2 >= all, true);
    const bytes = readFileSync(join(folder, 'forward.bin'));
    for (const { name, shape, offset, stats } of forward.tensors) {
      const actual = results[`head ${name}`];
      if (!actual) continue;
      report.exact('outputs', `${name} shape`, actual.shape, shape);
      const expected = new Float32Array(bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + 4 * actual.size));
      let worst = 0;
      for (const [i, v] of floats(actual).entries()) if (Math.abs(v - expected[i]!) > Math.abs(floats(actual)[worst]! - expected[worst]!)) worst = i;
      report.number('outputs', `${name}[${worst}]`, floats(actual)[worst]!, expected[worst]!, 1e-4 * Math.max(1, stats.std));
    }
    subject.checkExtra(report, 'difficulty in evaluation', forward.extra, results);
  }

  const steps = readJson<Record<'train' | 'evalbn', StepFixture>>(folder, 'train.json');
  for (const mode of ['evalbn', 'train'] as const) {
    const expected = steps[mode];
    const training = mode === 'train';
    const { network, parameters, ctx, inputs, output, weights } = prepare(training);
    const loss = network.loss(output, inputs.mask);
    const trained = [...parameters].filter(([, p]) => p.kind === 'weight');
    const gradients = grad(loss, trained.map(([, p]) => p));
    const outputs: Record<string, Value> = { loss, ...subject.extras(output) };
    for (const [i, [key]] of trained.entries()) if (gradients[i]) outputs[`gradient ${key}`] = gradients[i];
    for (const [key, parameter] of parameters) if (ctx.updates.has(parameter)) outputs[`buffer ${key}`] = ctx.updates.get(parameter)!;
    const results = await runOnce(runtime, build({ inputs, outputs, weights }), feeds);
    const kind = training ? 'training' : 'evaluation';
    report.number(`loss in ${kind}`, 'loss', results['loss']!.data[0] as number, expected.loss, 1e-4 * Math.abs(expected.loss));
    subject.checkExtra(report, `difficulty in ${kind}`, expected.extra, results);
    compareGradients(report, `gradients in ${kind}`, expected, training, results);
    for (const [key, [sum, l2]] of Object.entries(expected['bn_buffers_after_[sum,l2]'] ?? {})) {
      const actual = results[`buffer ${key}`];
      report.exact('running statistics', `${key} is updated`, actual !== undefined, true);
      if (!actual) continue;
      report.number('running statistics', `${key} l2`, norm(floats(actual)), l2, 1e-4 * Math.max(1e-2, l2));
      report.number('running statistics', `${key} sum`, floats(actual).reduce((a, b) => a + b, 0), sum, 1e-4 * Math.max(1e-2, l2) * Math.sqrt(actual.size));
    }
  }

  await compareOptimizerStep(report, subject, steps.train, prepare, feeds);
}

function compareGradients(report: Report, kind: string, expected: StepFixture, training: boolean, results: Tensors): void {
  const floor = 1e-6 * expected.total_grad_l2;
  let squares = 0;
  for (const [key, reference] of Object.entries(expected.grads)) {
    const actual = results[`gradient ${key}`];
    report.exact(kind, `${key} has a gradient`, actual !== undefined, reference !== null);
    if (!actual || reference === null) continue;
    const [l2, , first4, noise] = reference;
    const relative = training ? Math.max(5 * noise, 1e-2) : 1e-3;
    const actualL2 = norm(floats(actual));
    squares += actualL2 ** 2;
    report.number(kind, `${key} l2`, actualL2, l2, relative * l2 + floor);
    const scale = Math.max(...first4.map(Math.abs));
    for (const [i, value] of first4.entries())
      report.number(kind, `${key} element ${i}`, floats(actual)[i]!, value, (training ? 5 * relative : relative) * Math.max(scale, l2 / Math.sqrt(actual.size)) + floor);
  }
  report.number(kind, 'norm of all gradients', Math.sqrt(squares), expected.total_grad_l2, (training ? 1e-2 : 1e-3) * expected.total_grad_l2);
}

/** One step of the official optimizer, as our one-graph training step, then the loss of a second pass in training. */
async function compareOptimizerStep(
  report: Report,
  subject: Subject,
  expected: StepFixture,
  prepare: (training: boolean) => {
    readonly network: LocalizerNetwork;
    readonly parameters: ReadonlyMap<string, Parameter>;
    readonly inputs: Readonly<Record<'image' | 'mask', Value>>;
    readonly output: LocalizerOutput;
    readonly weights: ReadonlyMap<Value, { readonly name: string; readonly tensor: Tensor }>;
  },
  feeds: Tensors,
): Promise<void> {
  if (expected.loss_after_one_optimizer_step === undefined) return;
  const { network, parameters, inputs, output, weights } = prepare(true);
  const loss = network.loss(output, inputs.mask);
  const trained = [...parameters].filter(([, p]) => p.kind === 'weight');
  const gradients = grad(loss, trained.map(([, p]) => p));
  const learningRate = input('float32', []);
  const state = optimize(subject.optimizer, trained.map(([name, value], i) => ({ name, value, gradient: gradients[i] ?? null })), learningRate);
  const first = Object.fromEntries([...weights.values()].map(({ name, tensor }) => [name, tensor]));
  const buffers = new Map([...weights].filter(([value]) => !trained.some(([, p]) => p === value)));
  const initial = zerosFor(state);
  for (const [name] of trained) initial[name] = first[name]!;
  const executable = await nodeCpu().compile(build({ inputs: { ...inputs, learningRate }, outputs: { loss }, state, weights: buffers }), initial);
  const run = () => executable.run({ ...feeds, learningRate: generated('', [], 0, () => subject.learningRate) });
  await run();
  const second = (await run())['loss']!.data[0] as number;
  await executable.close();
  const reference = expected.loss_after_one_optimizer_step;
  report.number('loss after one step', 'loss', second, reference, 2e-3 * Math.abs(reference));
}

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error('usage: npm run parity -- <fixture folder> [<fixture folder> …]');
  process.exit(2);
}
let held = true;
for (const folder of folders) {
  const report = new Report();
  const start = performance.now();
  await compareFixture(folder, report);
  console.log(`${folder}: ${report.held ? 'holds' : 'DOES NOT HOLD'} (${((performance.now() - start) / 1000).toFixed(0)} s)\n${report}\n`);
  held &&= report.held;
}
process.exitCode = held ? 0 : 1;
