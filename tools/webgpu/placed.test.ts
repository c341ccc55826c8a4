import { expect, test } from 'vitest';
import { readPlacement, relativeDifference } from './placed.ts';

const line = (text: string): string =>
  `2026-11-22 18:56:35.48 [V:onnxruntime:, session_state.cc:1377 VerifyEachNodeIsAssignedToAnEp] ${text}\n`;

test('the log of a session names the nodes that were left to the CPU', () => {
  const log =
    '2026-11-22 [I:onnxruntime:, inference_session.cc:1] Session successfully initialized.\n' +
    line('Node placements') +
    line(' Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2') +
    line('  Or (Or_550)') +
    line('  Sign (/Sign_1/fused)') +
    line(' Node(s) placed on [WebGpuExecutionProvider]. Number of nodes: 1') +
    line('  ReduceMean (ReduceMean_1)');
  expect(readPlacement(log)).toEqual({
    counts: new Map([
      ['CPUExecutionProvider', 2],
      ['WebGpuExecutionProvider', 1],
    ]),
    onCpu: [
      { operator: 'Or', name: 'Or_550' },
      { operator: 'Sign', name: '/Sign_1/fused' },
    ],
  });
});

test('the log of a session with one provider lists no nodes', () => {
  const log = line(' All nodes placed on [WebGpuExecutionProvider]. Number of nodes: 7');
  expect(readPlacement(log)).toEqual({ counts: new Map([['WebGpuExecutionProvider', 7]]), onCpu: [] });
  expect(() => readPlacement('nothing of the kind')).toThrow('ONNX Runtime told of no placement');
});

test('differences are relative to the whole tensor', () => {
  expect(relativeDifference([3, 4.5], [3, 4])).toBeCloseTo(0.1, 6);
  expect(relativeDifference([0], [0])).toBe(0);
  expect(relativeDifference([1], [0])).toBe(Infinity);
  expect(relativeDifference([NaN], [1])).toBeNaN();
});
