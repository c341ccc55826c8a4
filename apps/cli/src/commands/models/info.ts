import type { ModelCard } from '@forgelens/localize';
import { unknownModel } from '@forgelens/localize';
import type { NetworkCost, StatedCost } from '@forgelens/models';
import { costOfNetwork, statedCosts } from '@forgelens/models';
import { Command } from 'commander';
import { atSize, parseCount } from '../../arguments.ts';
import type { Context } from '../../context.ts';
import { exit } from '../../context.ts';
import type { GlobalOptions } from '../../terminal.ts';
import { count, decimals, megabytes, percent, Terminal } from '../../terminal.ts';

interface Options extends GlobalOptions {
  readonly size: number;
  readonly json?: boolean;
}

/** What a model takes, and what others say that it takes, which is always for 256 × 256 px. */
interface Cost extends NetworkCost {
  readonly stated: readonly StatedCost[];
}

export function infoCommand({ io, models, finish }: Context): Command {
  return new Command('info')
    .summary('show what is known of a model')
    .description(
      'Shows what is known of a model: its input, its weights, what it scored, and what it takes. Multiply-adds are ' +
        'those of convolutions and matrix products; activations are what is computed on the way, without the weights.',
    )
    .argument('<id>', 'the id of a model')
    .option('--size <px>', 'height and width of the image that the cost is counted for', parseCount, 256)
    .option('--json', 'print the model card and the cost as JSON')
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const cards = await models.cards();
      const card = cards.find(known => known.id === id);
      if (!card)
        throw unknownModel(
          id,
          cards.map(known => known.id),
        );
      const counted = await atSize(options.size, size => costOfNetwork(models.networks[id]!.create(), size));
      const cost = { ...counted, stated: statedCosts[id] ?? [] };
      new Terminal(io, options).print(options.json ? JSON.stringify({ ...card, cost }, null, 2) : describe(card, cost));
      finish(exit.ran);
    });
}

function describe(card: ModelCard, cost: Cost): string {
  const { weights, operatingPoint: point } = card;
  const facts: [string, string][] = [
    ['Model', card.id],
    ['What it is', card.name],
    ['Source', card.source],
    ['Parameters', card.parameters.toLocaleString('en')],
    ['Input', card.input],
    ['Size', card.sizePolicy],
    [
      'Weights',
      weights
        ? `${weights.bytes.toLocaleString('en')} bytes, SHA-256 ${weights.sha256}`
        : 'none come with it; train it first',
    ],
    ...(weights ? [['Licence', weights.licence] as [string, string]] : []),
    ...describeCost(cost),
    ...card.scores.map(({ set, metric, value }): [string, string] => [`On ${set}`, `${metric} ${decimals(value)}`]),
    ...(point
      ? [
          [
            'Operating point',
            `of ${count(point.images, 'authentic picture')} of ${point.sets.join(', ')}${point.degradations.length > 0 ? ` (as they are and after ${point.degradations.join(', ')})` : ''}, ${percent(point.falseAlarmRate)} score ${decimals(point.score)} or more`,
          ] as [string, string],
        ]
      : []),
    ...card.limitations.map((text): [string, string] => ['Limitation', text]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function describeCost({ size, multiplyAdds, activationBytes: { peak, sum }, stated }: Cost): [string, string][] {
  const total = Object.values(multiplyAdds).reduce((a, b) => a + b, 0);
  const parts = Object.entries(multiplyAdds).map(([operator, count]) => `${operator} ${billions(count)}`);
  return [
    [`Multiply-adds at ${size} px`, `${billions(total)} (${parts.join(', ')})`],
    [`Activations at ${size} px`, `${megabytes(peak)} at a time, ${megabytes(sum)} in all`],
    ...stated.map(({ source, parameters, multiplyAdds, difference }): [string, string] => [
      'Stated at 256 px',
      `${(parameters / 1e6).toFixed(2)} M parameters, ${billions(multiplyAdds)} (${source})${difference ? `; ${difference}` : ''}`,
    ]),
  ];
}

const billions = (n: number) => `${(n / 1e9).toFixed(2)} G`;
