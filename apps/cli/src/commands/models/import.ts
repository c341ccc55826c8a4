import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Tensor, TensorType } from '@forgelens/autograd';
import { float32, layOutSafetensors, sizeOf, UsageError } from '@forgelens/autograd';
import { unknownModel } from '@forgelens/localize';
import type { ModelDefinition } from '@forgelens/models';
import { inOfficialNames, readOfficial } from '@forgelens/models';
import { writeAtomically } from '@forgelens/train';
import { Command } from 'commander';
import { examples } from '../../arguments.ts';
import type { Context } from '../../context.ts';
import { exit } from '../../context.ts';
import { newFile } from '../../outputs.ts';
import type { GlobalOptions } from '../../terminal.ts';
import { megabytes, Terminal } from '../../terminal.ts';

interface Options extends GlobalOptions {
  readonly model: string;
  readonly out: string;
}

export function importCommand(context: Context): Command {
  return new Command('import')
    .summary('convert an official checkpoint of PyTorch')
    .description(
      'Converts an official checkpoint of PyTorch (.pth, .pt, .pth.tar) to .safetensors, which keeps the official names ' +
        'of the parameters and which every command takes as a model. Nothing in the checkpoint is run. Every tensor must ' +
        'fit; numbers are stored as float32, or as float16 where they were.',
    )
    .argument('<file>', 'the checkpoint')
    .requiredOption('-m, --model <id>', 'the network that it is of')
    .requiredOption('-o, --out <file.safetensors>', 'where it is written')
    .addHelpText(
      'after',
      examples(
        'forgelens models import M2SFormer.pth --model m2sformer --out m2sformer.safetensors',
        'forgelens analyze photo.jpg --model m2sformer.safetensors',
      ),
    )
    .action(async (file: string, _: unknown, command: Command) => {
      await run(file, command.optsWithGlobals<Options>(), context);
      context.finish(exit.ran);
    });
}

async function run(file: string, options: Options, { io, models }: Context): Promise<void> {
  const definition = definitionOf(options.model, models.networks);
  const target = newFile(io.cwd, options.out);
  const bytes = await readFile(path.resolve(io.cwd, file)).catch((error: unknown) => {
    throw new UsageError(`no such file: ${file}`, { cause: error });
  });
  const tensors = readOfficial(bytes, definition, file);
  const types = new Map(
    [...tensors].map(([name, { dtype, shape }]): [string, TensorType] => [name, { dtype: stored(dtype), shape }]),
  );
  const { head, order, length } = layOutSafetensors(types, {
    model: JSON.stringify({ id: options.model }),
    ...inOfficialNames,
    importedFrom: `${path.basename(file)}, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`,
  });
  // Tensor by tensor: weights may be large, and one copy of them in memory is enough.
  function* content(): Generator<Uint8Array> {
    yield head;
    for (const name of order) yield inFloat(tensors.get(name)!.read()).bytes;
  }
  await writeAtomically(target, content());

  const terminal = new Terminal(io, options);
  const numbers = [...types.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  terminal.print(
    `${options.out}: ${numbers.toLocaleString('en')} numbers in ${types.size} tensors of ${options.model}, ${megabytes(length)}`,
  );
  terminal.note(
    `Use it with --model ${options.out}; whose weights they are, and under what licence, is not stated in it.`,
  );
}

function definitionOf(id: string, networks: Readonly<Record<string, ModelDefinition>>): ModelDefinition {
  const definition = Object.hasOwn(networks, id) ? networks[id] : undefined;
  if (!definition) throw unknownModel(id, Object.keys(networks));
  if (definition.officialName) return definition;
  const official = Object.keys(networks).filter(known => networks[known]!.officialName);
  throw new UsageError(`model "${id}" has no official checkpoint (models that have one: ${official.join(', ')})`);
}

const stored = (dtype: TensorType['dtype']) => (dtype === 'float16' ? dtype : 'float32');

/** A tensor of floating-point numbers as it is stored. */
const inFloat = (tensor: Tensor): Tensor =>
  tensor.dtype === stored(tensor.dtype)
    ? tensor
    : float32(tensor.shape, Float32Array.from(tensor.data as Float64Array));
