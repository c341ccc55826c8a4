import { build, float32, grad, input, reduceSum, sigmoid, square } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';

// y = Σ sigmoid(x)², and its gradient, as one graph of ONNX operators.
const x = input('float32', [3]);
const y = reduceSum(square(sigmoid(x)), [0]);
const [dx] = grad(y, [x]);
const graph = build({ inputs: { x }, outputs: { y, dx: dx! } });
const results = await runOnce(nodeCpu(), graph, { x: float32([3], [-1, 0, 1]) });
console.log(results['y']!.data, results['dx']!.data);
