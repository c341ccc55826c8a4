import { Command } from 'commander';
import { examples } from '../arguments.ts';
import type { Context, ExitCode } from '../context.ts';
import type { GlobalOptions } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly set: readonly string[];
  readonly resume?: string;
  readonly out?: string;
  readonly dryRun?: boolean;
}

export function trainCommand(context: Context): Command {
  return new Command('train')
    .summary('train a model by a recipe')
    .description('Trains a model by a recipe: which network, which data, which loss, for how long.')
    .argument('[config.yaml]', 'the recipe')
    .option('--set <key=value>', 'change one value of the recipe, as often as needed', collect, [])
    .option('-o, --out <folder>', 'the folder of the run (default: "runs/" and the name of the recipe)')
    .option('--resume <run folder>', 'go on with a run from its last checkpoint')
    .option('--dry-run', 'check the recipe and the data, say what would be done, and stop')
    .addHelpText(
      'after',
      examples(
        'forgelens train recipes/small.yaml --dry-run',
        'forgelens train recipes/small.yaml --set optimizer.learningRate=3e-4 --out runs/first',
        'forgelens train --resume runs/first',
      ),
    )
    .action(async (config: string | undefined, _: unknown, command: Command) => {
      context.finish(await train(config, command.optsWithGlobals<Options>(), context));
    });
}

function train(_config: string | undefined, _options: Options, _context: Context): Promise<ExitCode> {
  throw new Error('the training room is not there yet');
}

const collect = (value: string, earlier: readonly string[]) => [...earlier, value];
