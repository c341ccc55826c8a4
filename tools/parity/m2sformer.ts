import type { Tensor, Value } from '@forgelens/autograd';
import { build, constant, float32, grad, mul, reduceSum } from '@forgelens/autograd';
import { runOnce } from '@forgelens/autograd/runtime/node';
import type { M2SFormerOutput } from '@forgelens/models';
import {
  DifficultyGuidance,
  M2SFormer,
  PvtV2,
  curvature,
  edgeTarget,
  isHard,
  m2sformer,
  pvtV2,
  spectralBasis,
} from '@forgelens/models';
import { Context, adamW, balancedPosWeight, namedParameters } from '@forgelens/nn';
import type { Statistics } from './compare.ts';
import { generated, parameterValue, testMask } from './generator.ts';
import type { Subject } from './subject.ts';

interface Guidance {
  readonly y: readonly number[];
  readonly grad_attention_map_3_weight?: readonly number[];
  readonly grad_attention_map_0_weight_l2: number;
  readonly grad_attention_map_0_weight_first8?: readonly number[];
}

interface Units {
  readonly curvature: Record<'fx' | 'fxy' | 'fyy' | 'kappa_first_sample' | 'score' | 'picks', readonly number[]>;
  readonly edge_target: { readonly ones: readonly number[]; readonly pos_weight: readonly number[] };
  readonly dct: readonly {
    readonly k: number;
    readonly sum: number;
    readonly l2: number;
    readonly row3_first8: readonly number[];
  }[];
  readonly text_embed_first4: readonly number[];
  readonly dga_train_easy_hard: Guidance;
  readonly dga_eval_easy_hard: Guidance;
  readonly other_difficulty: {
    readonly how: string;
    readonly picks: readonly number[];
    readonly loss: number;
    readonly decoder_stage1: Statistics;
    readonly region_conv_0: Statistics;
    readonly edge_conv_0: Statistics;
    readonly prediction: Statistics;
  };
}

const textEmbedding = (salt: number): Tensor => {
  const rows = ['easy', 'hard'].map(word => generated(`text_embed.${word}`, [300], salt, u => u - 0.5));
  return float32(
    [2, 300],
    rows.flatMap(row => [...(row.data as Float32Array)]),
  );
};

const decisions = (scores: Tensor): string[] =>
  [...(scores.data as Float32Array)].map(score => (score > 0 ? 'hard' : 'easy'));

const create = (salt: number) =>
  new M2SFormer({
    backbone: new PvtV2({ ...pvtV2.b2, dropPath: 0 }),
    textEmbedding: textEmbedding(salt),
  });

export const subject: Subject<M2SFormerOutput> = {
  create,
  officialName: m2sformer.officialName!,
  officialConstants: m2sformer.officialConstants!,
  trainings: [
    {
      sections: { evalbn: 'evalbn', train: 'train' },
      create,
      optimizer: adamW({ weightDecay: 1e-4 }),
      learningRate: 1e-4,
    },
  ],
  heads: ({ logits, edge, prior }, recorded) => ({
    prediction: logits,
    edge,
    global_prior: prior,
    global_prior_8x8: recorded.get('global_prior.0')!,
  }),
  extras: ({ difficulty }) => ({ difficulty: difficulty! }),
  checkExtra(report, kind, extra, values) {
    const scores = values['difficulty']!;
    report.exact(kind, 'difficulty', decisions(scores), extra['difficulty']);
    for (const [i, score] of (extra['curvature_score'] as number[]).entries())
      report.number(kind, `curvature score ${i}`, scores.data[i] as number, score, 1e-3 * Math.abs(score));
  },
  functional({ prior }) {
    // kappa itself is ill-conditioned pixel by pixel; its sum, the score, is compared instead.
    const { kappa: _, ...derivatives } = curvature(prior);
    return Object.fromEntries(Object.entries(derivatives).map(([name, value]) => [`curvature.${name}`, value]));
  },
  async units(report, untyped, { runtime, salt, evaluate }) {
    const units = untyped as Units;
    const near = (what: string, actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-4) => {
      const scale = Math.max(1e-3, ...expected.map(Math.abs));
      for (const [i, value] of expected.entries())
        report.number('units', `${what} ${i}`, actual[i]!, value, tolerance * scale);
    };
    const run = async (values: Record<string, Value>) => runOnce(runtime, build({ inputs: {}, outputs: values }));
    const data = (tensor: Tensor) => tensor.data as Float32Array;

    near(
      'text embedding',
      [...data(textEmbedding(salt)).slice(0, 4), ...data(textEmbedding(salt)).slice(300, 304)],
      units.text_embed_first4,
      1e-6,
    );

    for (const { k, sum, l2, row3_first8 } of units.dct) {
      const basis = spectralBasis(k, 32);
      report.number(
        'units',
        `dct ${k} sum`,
        basis.reduce((a, b) => a + b, 0),
        sum,
        1e-4,
      );
      report.number('units', `dct ${k} l2`, Math.sqrt(basis.reduce((a, b) => a + b * b, 0)), l2, 1e-5);
      near(`dct ${k} row 3`, basis.subarray(96, 104), row3_first8, 1e-5);
    }

    const map = constant(generated('unit.curv', [3, 1, 16, 16], salt));
    const { fx, fxy, fyy, kappa } = curvature(map);
    const { score } = isHard(map, 'code');
    const c = await run({ fx, fxy, fyy, kappa, score });
    near('curvature fx', data(c['fx']!), units.curvature.fx);
    near('curvature fxy', data(c['fxy']!), units.curvature.fxy);
    near('curvature fyy', data(c['fyy']!), units.curvature.fyy);
    near('curvature kappa', data(c['kappa']!), units.curvature.kappa_first_sample);
    near('curvature score', data(c['score']!), units.curvature.score, 1e-3);
    report.exact(
      'units',
      'curvature decisions',
      decisions(c['score']!),
      units.curvature.picks.map(p => (p === 1 ? 'hard' : 'easy')),
    );

    const mask = constant(testMask(2, 256));
    const e = await run({ ones: reduceSum(edgeTarget(mask), [1, 2, 3]), posWeight: balancedPosWeight(mask) });
    report.exact('units', 'edge target, pixels', [...data(e['ones']!)], units.edge_target.ones);
    near('pos_weight', data(e['posWeight']!), units.edge_target.pos_weight);

    // The official run in evaluation came after the one in training, so it saw the running statistics moved.
    let moved: Readonly<Record<string, Tensor>> = {};
    for (const training of [true, false]) {
      const expected = training ? units.dga_train_easy_hard : units.dga_eval_easy_hard;
      const what = training ? 'guidance in training' : 'guidance in evaluation';
      // 32 channels leave two hidden ones.
      const guidance = new DifficultyGuidance(32);
      const weights = new Map(
        [...namedParameters(guidance)].map(([name, parameter]) => {
          const key = m2sformer.officialName!(`guidance.${name}`).replace(/^.*attention_map/, 'attention_map');
          return [parameter, { name: key, tensor: moved[`next ${key}`] ?? parameterValue(key, parameter.shape, salt) }];
        }),
      );
      const ctx = new Context({ training });
      const y = guidance.forward(
        constant(generated('unit.dga', [2, 32, 3, 3], salt)),
        constant(textEmbedding(salt)),
        ctx,
      );
      const objective = reduceSum(mul(y, constant(generated('unit.dga.g', [2, 32, 3, 3], salt))));
      const [dReduce, dExpand] = grad(objective, [guidance.reduce.weight, guidance.expand.weight]);
      const updates = Object.fromEntries(
        [...ctx.updates].map(([buffer, next]) => [`next ${weights.get(buffer)!.name}`, next]),
      );
      const outputs = { y, dReduce: dReduce!, dExpand: dExpand!, ...updates };
      const results = await runOnce(runtime, build({ inputs: {}, outputs, weights }));
      moved = results;
      near(what, data(results['y']!), expected.y);
      if (expected.grad_attention_map_3_weight)
        near(
          `${what}, gradient of the second convolution`,
          data(results['dExpand']!),
          expected.grad_attention_map_3_weight,
          1e-3,
        );
      if (expected.grad_attention_map_0_weight_first8)
        near(
          `${what}, gradient of the first convolution`,
          data(results['dReduce']!),
          expected.grad_attention_map_0_weight_first8,
          1e-3,
        );
    }

    const bias = Number(/bias := (-?[\d.]+)/.exec(units.other_difficulty.how)![1]);
    const other = await evaluate(
      { 'global_prior.0.bias': float32([1], [bias]) },
      (output: M2SFormerOutput, recorded: ReadonlyMap<string, Value>, target: Value) => ({
        loss: subject.create(salt).loss(output, target),
        difficulty: output.difficulty!,
        prediction: output.logits,
        stage: recorded.get('decoder_stage1')!,
        region: recorded.get('seg_head.region_conv.0')!,
        edge: recorded.get('seg_head.edge_conv.0')!,
      }),
    );
    report.exact(
      'units',
      'other difficulty',
      decisions(other['difficulty']!),
      units.other_difficulty.picks.map(p => (p === 1 ? 'hard' : 'easy')),
    );
    report.number(
      'units',
      'other difficulty loss',
      other['loss']!.data[0] as number,
      units.other_difficulty.loss,
      1e-4,
    );
    report.statistics(
      'units',
      'other difficulty decoder_stage1',
      data(other['stage']!),
      units.other_difficulty.decoder_stage1,
      1e-4,
    );
    report.statistics(
      'units',
      'other difficulty region_conv.0',
      data(other['region']!),
      units.other_difficulty.region_conv_0,
      1e-4,
    );
    report.statistics(
      'units',
      'other difficulty edge_conv.0',
      data(other['edge']!),
      units.other_difficulty.edge_conv_0,
      1e-4,
    );
    report.statistics(
      'units',
      'other difficulty prediction',
      data(other['prediction']!),
      units.other_difficulty.prediction,
      1e-4,
    );
  },
};
