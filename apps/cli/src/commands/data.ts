import { Command } from 'commander';
import { examples } from '../arguments.ts';
import type { Context } from '../context.ts';
import { checkCommand } from './data/check.ts';
import { manifestCommand } from './data/manifest.ts';
import { splitCommand } from './data/split.ts';

export function dataCommand(context: Context): Command {
  return new Command('data')
    .summary('check data sets, list their files, split them')
    .description('Checks data sets, lists their files with hashes, and splits them without parting sources.')
    .addCommand(checkCommand(context))
    .addCommand(manifestCommand(context))
    .addCommand(splitCommand(context))
    .addHelpText(
      'after',
      examples(
        'forgelens data check CASIA2 --dataset casia-v2 --sheet suspicious.html',
        'forgelens data manifest CASIA2 --dataset casia-v2 --out casia-v2.jsonl',
        'forgelens evaluate --data casia-v2.jsonl',
      ),
    );
}
