import { Command } from 'commander';
import { examples } from '../arguments.ts';
import type { Context } from '../context.ts';
import { exit } from '../context.ts';
import type { GlobalOptions } from '../terminal.ts';
import { megabytes, Terminal } from '../terminal.ts';
import { exportCommand } from './models/export.ts';
import { importCommand } from './models/import.ts';
import { infoCommand } from './models/info.ts';

interface Options extends GlobalOptions {
  readonly json?: boolean;
}

export function modelsCommand(context: Context): Command {
  const { io, models, finish } = context;
  const list = new Command('list')
    .summary('list the models')
    .description('Lists the models.')
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
  return new Command('models')
    .summary('list, describe, import and export models')
    .description('Lists and describes models, imports official weights, and exports models as ONNX.')
    .addCommand(list)
    .addCommand(infoCommand(context))
    .addCommand(importCommand(context))
    .addCommand(exportCommand(context))
    .addHelpText(
      'after',
      examples(
        'forgelens models list',
        `forgelens models info ${models.default} --size 512`,
        'forgelens models import M2SFormer.pth --model m2sformer --out m2sformer.safetensors',
        `forgelens models export ${models.default} --out ${models.default}.onnx --precision float16`,
      ),
    );
}

const millions = (n: number) => (n < 1e4 ? String(n) : `${(n / 1e6).toFixed(2)} M`);
