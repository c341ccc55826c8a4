import { expect, test } from 'vitest';
import { build } from './graph.ts';
import { overwritableStates } from './in-place.ts';
import { add, mul, relu } from './ops/index.ts';
import { input, scalar } from './value.ts';

test('what only its own next value is made of may be overwritten; what others read, or is kept, may not', () => {
  const [x, mean, weight, kept, shown, swapped] = Array.from({ length: 6 }, () => input('float32', [2]));
  const moved = (value: typeof x) => add(mul(value!, scalar(0.9)), x!);
  const graph = build({
    inputs: { x: x! },
    outputs: { y: mul(x!, weight!), seen: shown! },
    state: {
      mean: { value: mean!, next: moved(mean) },
      weight: { value: weight!, next: moved(weight) },
      kept: { value: kept!, next: kept! },
      shown: { value: shown!, next: moved(shown) },
      // Its only reader makes the next value itself, and might write before it has read everything.
      swapped: { value: swapped!, next: relu(swapped!) },
    },
  });
  expect(overwritableStates(graph)).toEqual(['mean']);
});
