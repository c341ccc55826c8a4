import type { Value } from '@forgelens/autograd';
import { build, constant, fill, grad, mul, reduceSum, reshape, transpose } from '@forgelens/autograd';
import { runOnce } from '@forgelens/autograd/runtime/node';
import type { MpcOutput } from '@forgelens/models';
import { Mpc, MpcContrast, WindowAttention, hrFormer, hrFormerOfficialName, mpc } from '@forgelens/models';
import { adamW, infoNce, namedParameters, sigmoidFocal } from '@forgelens/nn';
import { generated, parameterValue } from './generator.ts';
import type { Subject } from './subject.ts';

interface Units {
  readonly infonce: Record<'grad_q' | 'grad_n', readonly number[]> & { readonly loss: number };
  readonly focal: { readonly loss: number; readonly grad: readonly number[] };
  readonly isa_attention: Record<'y' | 'grad_x' | 'grad_rpb_first', readonly number[]>;
}

const backbone = { ...hrFormer.base, dropPath: 0 };

export const subject: Subject<MpcOutput> = {
  create: () => new Mpc({ backbone }),
  officialName: mpc.officialName!,
  officialConstants: mpc.officialConstants!,
  maskReduction: 4,
  trainings: [
    {
      sections: { evalbn: 'stage1_evalbn', train: 'stage1_train' },
      create: () => new MpcContrast({ backbone }),
      optimizer: adamW({ weightDecay: 0.01 }),
      learningRate: 1e-4,
    },
    {
      sections: { evalbn: 'stage2_evalbn', train: 'stage2_train' },
      create: () => new Mpc({ backbone }),
      optimizer: adamW({ weightDecay: 0.01 }),
      learningRate: 1e-6,
      moves: key => key.startsWith('decoder.'),
    },
  ],
  heads: ({ coarse }, recorded) => ({ logits: coarse, 'convs.3': recorded.get('encoder.convs.3')! }),
  functional: (_output, recorded) => ({
    // [windows · 49, C] → [49, windows, C]
    ...Object.fromEntries(
      [...recorded]
        .filter(([name]) => /\.[qkv]_proj(@\d+)?$/.test(name))
        .map(([name, value]) => [name, transpose(reshape(value, [-1, 49, value.shape.at(-1)!]), [1, 0, 2])]),
    ),
    // Our encoder and the HRFormer in it have one name there: what it gives is what the projections of its maps give.
    ...Object.fromEntries([0, 1, 2, 3].map(i => [`encoder#${i}`, recorded.get(`encoder.convs.${i}`)!])),
  }),
  otherImages: [{ batch: 1, size: 512, heads: ({ coarse }) => ({ logits_512: coarse }) }],
  async units(report, untyped, { runtime, salt }) {
    const units = untyped as Units;
    const random = (key: string, shape: readonly number[], value?: (u: number) => number): Value =>
      constant(generated(key, shape, salt, value));
    const compare = async (
      what: string,
      outputs: Readonly<Record<string, readonly [Value, readonly number[]]>>,
      weights = {},
    ) => {
      const values = Object.fromEntries(Object.entries(outputs).map(([name, [value]]) => [name, value]));
      const results = await runOnce(runtime, build({ inputs: {}, outputs: values, ...weights }));
      for (const [name, [, expected]] of Object.entries(outputs)) {
        const scale = Math.max(1e-3, ...expected.map(Math.abs));
        const actual = results[name]!.data as Float32Array;
        for (const [i, value] of expected.entries())
          report.number('units', `${what} ${name} ${i}`, actual[i]!, value, 1e-4 * scale);
      }
    };

    const [q, n] = [random('unit.q', [1, 12, 8]), random('unit.n', [1, 7, 8])];
    const all = (rows: Value) => ({ rows, counts: fill(1, [1, rows.shape[1]!, 1]) });
    const contrast = reshape(infoNce(all(q), all(n)), []);
    const [dq, dn] = grad(contrast, [q, n]);
    await compare('contrast', {
      loss: [contrast, [units.infonce.loss]],
      'gradient in queries': [dq!, units.infonce.grad_q],
      'gradient in negatives': [dn!, units.infonce.grad_n],
    });

    const logits = random('unit.fp', [2, 1, 8, 8], u => 8 * u - 4);
    const focal = sigmoidFocal(
      logits,
      random('unit.ft', [2, 1, 8, 8], u => (u > 0.7 ? 1 : 0)),
      { alpha: 0.5, gamma: 2 },
    );
    await compare('focal', {
      loss: [focal, [units.focal.loss]],
      gradient: [grad(focal, [logits])[0]!, units.focal.grad],
    });

    const attention = new WindowAttention(12, 2);
    const weights = new Map(
      [...namedParameters(attention)].map(([name, parameter]) => {
        const key = hrFormerOfficialName(`attn.${name}`).slice('attn.'.length);
        return [parameter, { name: key, tensor: parameterValue(key, parameter.shape, salt) }];
      }),
    );
    const x = random('unit.isa', [1, 80, 12]);
    const y = attention.forward(x, 8, 10);
    const [dx, dBias] = grad(reduceSum(mul(y, random('unit.isa.g', [1, 80, 12]))), [x, attention.bias]);
    await compare(
      'window attention',
      {
        y: [y, units.isa_attention.y],
        'gradient in x': [dx!, units.isa_attention.grad_x],
        'gradient in the bias': [dBias!, units.isa_attention.grad_rpb_first],
      },
      { weights },
    );
  },
};
