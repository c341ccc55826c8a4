import { nodeCpu } from '@forgelens/autograd/runtime/node';
import type { Precision } from '@forgelens/localize';
import { exportModel } from '@forgelens/localize';
import { writeAtomically } from '@forgelens/train';
import { Command, Option } from 'commander';
import { atSize, examples, parseCount } from '../../arguments.ts';
import type { Context } from '../../context.ts';
import { exit } from '../../context.ts';
import { newFile } from '../../outputs.ts';
import type { GlobalOptions } from '../../terminal.ts';
import { megabytes, Terminal } from '../../terminal.ts';

interface Options extends GlobalOptions {
  readonly out: string;
  readonly precision: Precision;
  readonly size?: number;
}

const defaultSize = 256;

export function exportCommand(context: Context): Command {
  return new Command('export')
    .summary('write a model as ONNX')
    .description(
      'Writes a model as an ONNX file of standard operators that says what it is: image [1, 3, H, W], RGB in [0, 1], in; ' +
        'probabilities of tampering [1, 1, H, W] out. Before it is written, it is run and compared with the model.',
    )
    .argument('<id|checkpoint>', 'a model of "forgelens models list", or a file')
    .requiredOption('-o, --out <file.onnx>', 'where it is written')
    .addOption(
      new Option('--precision <name>', 'how weights are stored; float16 takes half the space, and runs as float32')
        .choices(['float32', 'float16'])
        .default('float32'),
    )
    .option(
      '--size <px>',
      `height and width of the image (default: the size that the model resizes to, or ${defaultSize})`,
      parseCount,
    )
    .addHelpText(
      'after',
      examples(
        `forgelens models export ${context.models.default} --out ${context.models.default}.onnx --size 512`,
        'forgelens models export runs/first/best.safetensors --out first.onnx --precision float16',
      ),
    )
    .action(async (model: string, _: unknown, command: Command) => {
      await run(model, command.optsWithGlobals<Options>(), context);
      context.finish(exit.ran);
    });
}

async function run(idOrPath: string, options: Options, { io, models }: Context): Promise<void> {
  const { out, precision } = options;
  const target = newFile(io.cwd, out);
  const model = await models.load(idOrPath);
  const size = options.size ?? (model.sizePolicy.kind === 'resize' ? model.sizePolicy.size : defaultSize);
  const runtime = nodeCpu();
  const { model: file, difference } = await atSize(size, () => exportModel(model, { size, precision }, runtime));
  await runtime.close();
  await writeAtomically(target, file.bytes);
  new Terminal(io, options).print(
    `${out}: ${model.info.id} for images of ${size} × ${size} px, ${precision}, ${megabytes(file.bytes.length)}; ` +
      `its probabilities differ from the model's by at most ${difference === 0 ? 0 : difference.toExponential(1)}`,
  );
}
