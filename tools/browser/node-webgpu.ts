/** A process that runs the named cases on node-webgpu and reports each: ONNX Runtime may abort it, and with it no test. */
import { nodeWebgpu } from '@forgelens/autograd/runtime/node';
import { runCases, suite } from '@forgelens/autograd/testing/runtime-suite';

const names: readonly string[] = process.argv.slice(2);
for (const one of suite.filter(({ name }) => names.includes(name))) {
  process.send!({ started: one.name });
  process.send!({ result: (await runCases(nodeWebgpu(), [one]))[0] });
}
process.disconnect();
