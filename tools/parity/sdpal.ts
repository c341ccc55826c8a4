import { add, concat, constant, grad, greater, cast, mul, reduceSum, scalar, log, sub, div } from '@forgelens/autograd';
import type { SdpalOutput } from '@forgelens/models';
import { DifferenceAttention, Sdpal, neighbourResidual, sdpal, walkPixels } from '@forgelens/models';
import { adam, bceWithLogits } from '@forgelens/nn';
import { graphOf, row, walkMatrix, walkValues, withoutChannel } from './cdfl.ts';
import { generated } from './generator.ts';
import type { Subject } from './subject.ts';
import { compareUnit, unitWeights } from './units.ts';

type Numbers = readonly number[];
interface Units {
  readonly graph: Record<
    'npr' | 'adj_row0' | 'adj_row37_b1' | 'walk_row0' | 'walk_row37_b1' | 'aggregated' | 'grad_x',
    Numbers
  > & { readonly objective_value: number };
  readonly diff_attention: Record<'y' | 'grad_x' | 'grad_to_q2', Numbers>;
  readonly loss: { readonly bce_w1_dice_w0: number; readonly t_sum: number };
}

export const subject: Subject<SdpalOutput> = {
  create: () => new Sdpal(),
  officialName: sdpal.officialName!,
  officialConstants: sdpal.officialConstants!,
  flips: true,
  trainings: [
    {
      sections: { evalbn: 'evalbn', train: 'train' },
      create: () => new Sdpal(),
      optimizer: adam(),
      learningRate: 1e-4,
    },
  ],
  heads: ({ logits }, recorded) => ({
    logits: withoutChannel(logits),
    'unet.outc': recorded.get('unet.outc.conv')!,
  }),
  functional: ({ residual, ...walk }) => ({ 'graph_module.npr': residual, ...walkValues('graph_module', walk) }),
  async units(report, untyped, context) {
    const units = untyped as Units;
    const random = (key: string, shape: Numbers, value?: (u: number) => number) =>
      constant(generated(key, shape, context.salt, value));

    const x = random('unit.graph', [2, 5, 8, 8]);
    const residual = neighbourResidual(x);
    const pixels = concat([x, residual], 1);
    const [graph, seen] = [graphOf(pixels), walkPixels(pixels)];
    const objective = add(
      reduceSum(mul(seen, random('unit.graph.g', [2, 10, 8, 8]))),
      reduceSum(mul(residual, random('unit.graph.n', [2, 5, 8, 8]))),
    );
    await compareUnit(report, context, 'walk', {
      residual: [residual, units.graph.npr],
      'graph, row 0': [row(graph, 0, 0), units.graph.adj_row0],
      'graph, row 37': [row(graph, 1, 37), units.graph.adj_row37_b1],
      'walk, row 0': [row(walkMatrix(graph), 0, 0), units.graph.walk_row0],
      'walk, row 37': [row(walkMatrix(graph), 1, 37), units.graph.walk_row37_b1],
      seen: [seen, units.graph.aggregated],
      objective: [objective, [units.graph.objective_value]],
      gradient: [grad(objective, [x])[0]!, units.graph.grad_x],
    });

    const attention = new DifferenceAttention(16, 4);
    const weights = unitWeights(
      attention,
      name => sdpal.officialName!(`decoder.attention.${name}`).slice('diff_attn.'.length),
      context.salt,
    );
    const map = random('unit.diff', [1, 16, 4, 4]);
    const y = attention.forward(map);
    const [dx, dq2] = grad(reduceSum(mul(y, random('unit.diff.g', [1, 16, 4, 4]))), [map, attention.q2.weight]);
    await compareUnit(
      report,
      context,
      'difference attention',
      {
        y: [y, units.diff_attention.y],
        'gradient in x': [dx!, units.diff_attention.grad_x],
        'gradient in q2': [dq2!, units.diff_attention.grad_to_q2],
      },
      weights,
    );

    // The fixture gives probabilities, our loss takes logits.
    const p = random('unit.p', [2, 8, 8], u => u);
    const target = cast(
      greater(
        random('unit.t', [2, 8, 8], u => u),
        scalar(0.7),
      ),
      'float32',
    );
    const logits = log(div(p, sub(scalar(1), p)));
    await compareUnit(report, context, 'loss', {
      'cross-entropy': [bceWithLogits(logits, target), [units.loss.bce_w1_dice_w0]],
      'tampered pixels': [reduceSum(target), [units.loss.t_sum]],
    });
  },
};
