import type { Value } from '@forgelens/autograd';
import { build } from '@forgelens/autograd';
import { runOnce } from '@forgelens/autograd/runtime/node';
import type { Module } from '@forgelens/nn';
import { namedParameters } from '@forgelens/nn';
import type { Report } from './compare.ts';
import { parameterValue } from './generator.ts';
import type { UnitContext } from './subject.ts';

/** Computes values and compares each with its numbers, relative to the greatest of them. */
export async function compareUnit(
  report: Report,
  { runtime }: UnitContext,
  what: string,
  outputs: Readonly<Record<string, readonly [Value, readonly number[]]>>,
  weights: ReadonlyMap<Value, NamedTensor> = new Map(),
): Promise<void> {
  const values = Object.fromEntries(Object.entries(outputs).map(([name, [value]]) => [name, value]));
  const results = await runOnce(runtime, build({ inputs: {}, outputs: values, weights }));
  for (const [name, [, expected]] of Object.entries(outputs)) {
    const scale = Math.max(1e-3, ...expected.map(Math.abs));
    for (const [i, value] of expected.entries())
      report.number('units', `${what} ${name} ${i}`, results[name]!.data[i] as number, value, 1e-4 * scale);
  }
}

type NamedTensor = { readonly name: string; readonly tensor: ReturnType<typeof parameterValue> };

/** The generator's weights of a part with no network around it, by the keys that it has there. */
export const unitWeights = (part: Module, key: (name: string) => string, salt: number): Map<Value, NamedTensor> =>
  new Map(
    [...namedParameters(part)].map(([name, parameter]) => [
      parameter,
      { name: key(name), tensor: parameterValue(key(name), parameter.shape, salt) },
    ]),
  );
