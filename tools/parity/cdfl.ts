import type { Value } from '@forgelens/autograd';
import { add, concat, constant, constantMatrix, fill, grad, mul, reduceSum, reshape, slice } from '@forgelens/autograd';
import type { CdflOutput, CdflPatterns } from '@forgelens/models';
import { Cdfl, cdfl, cdflPatterns, expectedWalk, mapToNodes, similarityGraph, walkPixels } from '@forgelens/models';
import { adam } from '@forgelens/nn';
import { generated } from './generator.ts';
import type { Subject } from './subject.ts';
import { compareUnit } from './units.ts';

type PatternUnit = Record<keyof CdflPatterns, readonly number[]>;
interface Units {
  readonly prb: PatternUnit &
    Record<'adj_row0' | 'adj_row37_b1' | 'walk_row0' | 'walk_row37_b1' | 'aggregated' | 'grad_x', readonly number[]> & {
      readonly objective_value: number;
    };
  readonly 'prb_constant_input_0.25': PatternUnit;
}

/** A row of one of several matrices [N, P, P]. */
export const row = (matrices: Value, which: number, index: number): Value =>
  reshape(slice(slice(matrices, 0, which, which + 1), 1, index, index + 1), [matrices.shape[2]!]);

/** W itself, which a walk that starts with the identity sees. */
export const walkMatrix = (graph: Value): Value =>
  expectedWalk(
    graph,
    constantMatrix(graph.shape[1]!, graph.shape[1]!, (i, j) => (i === j ? 1 : 0)),
  );

/** The chances to step from one pixel of a map to another. */
export const graphOf = (pixels: Value): Value => similarityGraph(mapToNodes(pixels));

/** Values of the walk by their names in the fixtures. */
export const walkValues = (
  prefix: string,
  { pixels, seen }: { readonly pixels: Value; readonly seen: Value },
): Readonly<Record<string, Value>> => ({
  [`${prefix}.node_features`]: mapToNodes(pixels),
  [`${prefix}.adj`]: graphOf(pixels),
  [`${prefix}.walk_probs`]: walkMatrix(graphOf(pixels)),
  [`${prefix}.aggregated`]: seen,
});

/** [N, 1, H, W] → [N, H, W], as the official code gives logits. */
export const withoutChannel = (x: Value): Value => reshape(x, [x.shape[0]!, x.shape[2]!, x.shape[3]!]);

export const subject: Subject<CdflOutput> = {
  create: () => new Cdfl(),
  officialName: cdfl.officialName!,
  officialConstants: cdfl.officialConstants!,
  flips: true,
  trainings: [
    {
      sections: { evalbn: 'evalbn', train: 'train' },
      create: () => new Cdfl(),
      optimizer: adam(),
      learningRate: 1e-4,
    },
  ],
  heads: ({ logits, patterns }, recorded) => ({
    logits: withoutChannel(logits),
    'prb_operator.residual': patterns.residual,
    'prb_operator.periodicity': patterns.periodicity,
    'prb_operator.randomness': patterns.randomness,
    'unet.outc': recorded.get('unet.outc.conv')!,
  }),
  functional: ({ patterns, ...walk }) => ({
    ...Object.fromEntries(Object.entries(patterns).map(([name, map]) => [`prb_operator.${name}`, map as Value])),
    ...walkValues('prb_operator', walk),
  }),
  async units(report, untyped, context) {
    const { prb, 'prb_constant_input_0.25': flat } = untyped as Units;
    const random = (key: string, channels: number) => constant(generated(key, [2, channels, 8, 8], context.salt));
    const x = random('unit.prb', 6);
    const patterns = cdflPatterns(x, x, 'code');
    const { randomness, periodicity, residual } = patterns;
    const pixels = concat([x, periodicity, randomness, residual], 1);
    const [graph, seen] = [graphOf(pixels), walkPixels(pixels)];
    const objective = add(
      reduceSum(mul(seen, random('unit.prb.g', 9))),
      reduceSum(mul(residual, random('unit.prb.r', 1))),
    );
    await compareUnit(report, context, 'patterns', {
      randomness: [randomness, prb.randomness],
      periodicity: [periodicity, prb.periodicity],
      residual: [residual, prb.residual],
      'graph, row 0': [row(graph, 0, 0), prb.adj_row0],
      'graph, row 37': [row(graph, 1, 37), prb.adj_row37_b1],
      'walk, row 0': [row(walkMatrix(graph), 0, 0), prb.walk_row0],
      'walk, row 37': [row(walkMatrix(graph), 1, 37), prb.walk_row37_b1],
      seen: [seen, prb.aggregated],
      objective: [objective, [prb.objective_value]],
      gradient: [grad(objective, [x])[0]!, prb.grad_x],
    });
    const constantMap = fill(0.25, [1, 2, 8, 8]);
    const ofConstant = cdflPatterns(constantMap, constantMap, 'code');
    await compareUnit(report, context, 'patterns of a constant', {
      randomness: [ofConstant.randomness, flat.randomness],
      periodicity: [ofConstant.periodicity, flat.periodicity],
      residual: [ofConstant.residual, flat.residual],
    });
  },
};
