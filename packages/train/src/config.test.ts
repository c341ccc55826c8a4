import { readFileSync, readdirSync } from 'node:fs';
import { createNetwork } from '@forgelens/models';
import { describe, expect, test } from 'vitest';
import { checkConfig, createOptimizer, createSchedule, parseConfig, trainJsonSchema } from './config.ts';

const configs = new URL('../../../configs/', import.meta.url);
const text = `
model: { id: unet }
steps: 100
batch: 4
size: 64
optimizer: { name: adamw, learningRate: 1e-3 }
data: { index: index.csv }
`;
const parse = (...overrides: string[]) => parseConfig(text, 'unet.yaml', overrides);

test('the JSON Schema beside the configurations is the current one: npx tsx tools/train-schema.ts', () => {
  expect(JSON.parse(readFileSync(new URL('train.schema.json', configs), 'utf8'))).toEqual(trainJsonSchema());
});

test.each(readdirSync(configs).filter(name => name.endsWith('.yaml')))('%s describes a training', name => {
  const config = parseConfig(readFileSync(new URL(name, configs), 'utf8'), name);
  createNetwork(config.model);
  createOptimizer(config.optimizer);
  const rate = createSchedule(config);
  expect(rate(config.steps - 1)).toBeLessThanOrEqual(config.optimizer.learningRate);
});

test('values are replaced by dotted keys and typed by the schema', () => {
  const { optimizer, model, data, clip } = parse(
    'optimizer.learningRate=1e-4',
    'model.widths=[4, 8]',
    'data.mix.synthetic=2',
    'data.sets=[a, b]',
    'clip=1',
  );
  expect(optimizer).toMatchObject({ name: 'adamw', learningRate: 1e-4 });
  expect(model).toEqual({ id: 'unet', widths: [4, 8] });
  expect(data).toMatchObject({ index: 'index.csv', sets: ['a', 'b'], mix: { tampered: 1, synthetic: 2 } });
  expect(clip).toBe(1);
});

test('a configuration that was checked is a fixed point: run.json can be read back', () => {
  const config = parse();
  expect(checkConfig(JSON.parse(JSON.stringify(config)), 'run.json')).toEqual(config);
});

describe('what is wrong is said in one sentence', () => {
  test.each([
    [['optimizer.learningrate=1']],
    [['bacth=2']],
    [['batch=2.5']],
    [['batch=two']],
    [['model.id=unett']],
    [['optimizer.name=lion']],
    [['model.backbone=b2']],
    [['model={id: m2sformer, backbone: b6, spectra: 17, scales: 0, difficulty: hard}']],
    [['size']],
    [['data.mix.tampered=-1']],
    [['data.sets={a: -1}']],
    [['parts={encoder: {learningRate: 0}}']],
    [['accumulate=0']],
    [['optimizer={}', 'steps=0']],
    [['data=[']],
  ])('%j', overrides => {
    expect(() => parse(...overrides)).toThrowErrorMatchingSnapshot();
  });

  test('text that is not YAML', () => {
    expect(() => parseConfig('model: [', 'broken.yaml')).toThrowErrorMatchingSnapshot();
  });

  test('a warm-up that takes all steps', () => {
    expect(() => createSchedule(parse('schedule={name: cosine, warmup: 100}'))).toThrow(
      'cosine: 100 warm-up steps must be fewer than all 100 steps',
    );
  });
});
