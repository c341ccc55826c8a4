import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Part } from './fixture.ts';
import { compareFixtures } from './fixture.ts';

const fixture = fileURLToPath(new URL('fixtures/m2sformer', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'forgelens-parity-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function compare(where: string, ...parts: Part[]) {
  let text = '';
  const exitCode = await compareFixtures([where], line => (text += `${line}\n`), parts);
  return { exitCode, text };
}

/** A copy of the fixture in which a piece of a file is another. */
function changed(file: string, from: string, to: string): string {
  const copy = mkdtempSync(join(folder, 'fixture-'));
  cpSync(fixture, copy, { recursive: true });
  const content = readFileSync(join(copy, file), 'utf8');
  expect(content).toContain(from);
  writeFileSync(join(copy, file), content.replace(from, to));
  return copy;
}

test("M2SFormer's names, shapes, number of parameters and units are those of the official code", async () => {
  const { exitCode, text } = await compare(fixture, 'generator', 'names', 'units');
  expect(text).toContain(': holds');
  expect(exitCode, text).toBe(0);
});

test('a renamed parameter is found, both as missing and as extra', async () => {
  const { exitCode, text } = await compare(
    changed('params.json', '"global_prior.0.bias"', '"global_prior.0.beta"'),
    'names',
  );
  expect(exitCode).toBe(1);
  expect(text).toContain('DOES NOT HOLD');
  expect(text).toContain('parameter names: missing: ["global_prior.0.beta"] against []');
  expect(text).toContain('parameter names: extra: ["global_prior.0.bias"] against []');
});

test('a parameter of another shape, and one that is a buffer, are found', async () => {
  const shape = changed('params.json', '["global_prior.0.bias",[1],"param"]', '["global_prior.0.bias",[2],"param"]');
  expect((await compare(shape, 'names')).text).toContain('global_prior.0.bias: [[1],"param"] against [[2],"param"]');
  const kind = changed('params.json', '["global_prior.0.bias",[1],"param"]', '["global_prior.0.bias",[1],"buffer"]');
  expect((await compare(kind, 'names')).exitCode).toBe(1);
});

test('a number that differs in its fourth digit is found', async () => {
  const units = JSON.parse(readFileSync(join(fixture, 'units.json'), 'utf8')) as { curvature: { fx: number[] } };
  const [first] = units.curvature.fx;
  const { exitCode, text } = await compare(
    changed('units.json', `"fx":[${first},`, `"fx":[${first! * 1.003},`),
    'units',
  );
  expect(exitCode).toBe(1);
  expect(text).toContain('units: curvature fx 0: ');
  expect(text).toMatch(/FAIL units +\d+ compared, 1 outside/);
});
