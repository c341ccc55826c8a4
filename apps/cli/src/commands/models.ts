import { unknownModel } from '@forgelens/localize';
import type { ModelCard } from '@forgelens/localize';
import { Command } from 'commander';
import { examples } from '../arguments.ts';
import type { Context } from '../context.ts';
import { exit } from '../context.ts';
import type { GlobalOptions } from '../terminal.ts';
import { decimals, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly json?: boolean;
}

export function modelsCommand(context: Context): Command {
  const { io, models, finish } = context;
  const list = new Command('list')
    .description('List the models.')
    .option('--json', 'print the model cards as JSON')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const terminal = new Terminal(io, options);
      const cards = await models.cards();
      if (options.json) terminal.print(JSON.stringify(cards, null, 2));
      else
        terminal.table(
          ['Model', 'What it is', 'Parameters', 'Weights'],
          cards.map(({ id, name, parameters, weights }) => [
            id === models.default ? `${id} (default)` : id,
            name,
            millions(parameters),
            weights ? megabytes(weights.bytes) : 'none: train it first',
          ]),
        );
      finish(exit.ran);
    });
  const info = new Command('info')
    .description('Show what is known of a model: its input, its weights, and what it scored.')
    .argument('<id>', 'the id of a model')
    .option('--json', 'print the model card as JSON')
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const cards = await models.cards();
      const card = cards.find(known => known.id === id);
      if (!card)
        throw unknownModel(
          id,
          cards.map(known => known.id),
        );
      new Terminal(io, options).print(options.json ? JSON.stringify(card, null, 2) : describe(card));
      finish(exit.ran);
    });
  return new Command('models')
    .summary('list models and show what is known of them')
    .description('Lists models and shows what is known of them.')
    .addCommand(list)
    .addCommand(info)
    .addHelpText('after', examples('forgelens models list', `forgelens models info ${models.default}`));
}

function describe(card: ModelCard): string {
  const { weights } = card;
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
    ...card.scores.map(({ set, metric, value }): [string, string] => [`On ${set}`, `${metric} ${decimals(value)}`]),
    ...card.limitations.map((text): [string, string] => ['Limitation', text]),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

const millions = (n: number) => (n < 1e4 ? String(n) : `${(n / 1e6).toFixed(2)} M`);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
