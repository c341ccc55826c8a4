import { CheckpointError, DataError, UsageError } from '@forgelens/autograd';
import { absenceIsNoProof, software } from '@forgelens/localize';
import { Command, CommanderError } from 'commander';
import { examples } from './arguments.ts';
import { analyzeCommand } from './commands/analyze.ts';
import { compareCommand } from './commands/compare.ts';
import { dataCommand } from './commands/data.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { modelsCommand } from './commands/models.ts';
import { reportCommand } from './commands/report.ts';
import { reproduceCommand } from './commands/reproduce.ts';
import { robustnessCommand } from './commands/robustness.ts';
import { scoreCommand } from './commands/score.ts';
import { serveCommand } from './commands/serve.ts';
import { synthesizeCommand } from './commands/synthesize.ts';
import { trainCommand } from './commands/train.ts';
import type { Context, ExitCode, Io, Models } from './context.ts';
import { exit } from './context.ts';

/**
 * The command line of forgelens.
 *
 * @param argv - the arguments, without the names of node and of the script
 * @returns the exit code: 0 ran, 1 fault, 2 usage, 3 some inputs failed, 4 model or weights invalid, 130 interrupted
 */
export async function main(argv: readonly string[], io: Io, models: Models): Promise<ExitCode> {
  let code: ExitCode = exit.ran;
  const context: Context = { io, models, finish: ending => (code = ending) };
  try {
    await program(context).parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, io);
  }
}

function program(context: Context): Command {
  const { io } = context;
  const root = new Command('forgelens')
    .description(`Finds where a picture was tampered with. ${absenceIsNoProof}`)
    .version(`${software.name} ${software.version} (Node ${process.versions.node})`)
    .option('-q, --quiet', 'say nothing but results and problems')
    .option('--no-color', 'write without colours, as with NO_COLOR set')
    .addHelpText(
      'after',
      examples('forgelens analyze photo.jpg', 'forgelens models list', 'forgelens help analyze') +
        '\n\nExit codes: 0 ran, 1 a fault of the program, 2 wrong usage, 3 some inputs failed, 4 model or weights invalid.',
    );
  for (const command of [
    analyzeCommand,
    reportCommand,
    serveCommand,
    trainCommand,
    evaluateCommand,
    scoreCommand,
    robustnessCommand,
    compareCommand,
    reproduceCommand,
    modelsCommand,
    dataCommand,
    synthesizeCommand,
  ])
    root.addCommand(command(context));
  for (const command of withSubcommands(root))
    command
      .exitOverride()
      .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
      .configureOutput({
        writeOut: text => io.stdout.write(text),
        writeErr: text => io.stderr.write(text),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      });
  return root;
}

const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)];

/** Turns an error into text and an exit code. It is the only place that does. */
function explain(error: unknown, io: Io): ExitCode {
  // Commander has written its own text; it ends so for --help and --version too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exit.ran : exit.usage;
  if (io.signal?.aborted) return fail(exit.interrupted, 'stopped', io);
  if (error instanceof UsageError || error instanceof DataError) return fail(exit.usage, String(error), io);
  if (error instanceof CheckpointError) return fail(exit.modelInvalid, String(error), io);
  return fail(exit.fault, error instanceof Error ? (error.stack ?? error.message) : String(error), io);
}

function fail(code: ExitCode, text: string, { stderr }: Io): ExitCode {
  stderr.write(`${text}\n`);
  return code;
}
