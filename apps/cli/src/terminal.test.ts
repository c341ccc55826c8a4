import { describe, expect, test } from 'vitest';
import type { GlobalOptions } from './terminal.ts';
import { count, decimals, percent, Terminal } from './terminal.ts';

/** A terminal whose two streams are real ones or not, and what it wrote to each. */
function record(options: GlobalOptions, { isTTY = true, env = {} }: { isTTY?: boolean; env?: Record<string, string> }) {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof texts) => ({ isTTY, write: (text: string) => void (texts[name] += text) });
  const io = { stdout: stream('stdout'), stderr: stream('stderr'), cwd: '/', env };
  return { terminal: new Terminal(io, options), texts };
}

const isColoured = (options: GlobalOptions, world: Parameters<typeof record>[1]) => {
  const { terminal, texts } = record(options, world);
  terminal.table(['A'], [[1]]);
  return texts.stdout.includes('\u001b');
};

describe('Terminal', () => {
  test('colours only what a terminal shows, and nothing where the user wants none', () => {
    expect(isColoured({}, {})).toBe(true);
    expect(isColoured({}, { isTTY: false })).toBe(false);
    expect(isColoured({ color: false }, {})).toBe(false);
    expect(isColoured({}, { env: { NO_COLOR: '1' } })).toBe(false);
  });

  test('shows progress with the time left on a terminal only, and never on stdout', () => {
    const shown = (options: GlobalOptions, isTTY: boolean) => {
      const { terminal, texts } = record(options, { isTTY });
      const progress = terminal.progress(2);
      progress.show('a.jpg');
      progress.advance();
      progress.stop();
      expect(texts.stdout).toBe('');
      return texts.stderr;
    };
    expect(shown({}, true)).toMatch(/0\/2 \| .* left/);
    expect(shown({}, false)).toBe('');
    expect(shown({ quiet: true }, true)).toBe('');
  });

  test('is quiet but for data and problems on request', () => {
    const { terminal, texts } = record({ quiet: true }, {});
    terminal.print('data');
    terminal.note('note');
    terminal.problem('problem');
    expect(texts).toEqual({ stdout: 'data\n', stderr: 'problem\n' });
  });
});

test('numbers are written for people', () => {
  expect([decimals(0.12345), decimals(null), percent(0.0123), percent(null)]).toEqual(['0.123', '–', '1.2 %', '–']);
  expect([count(1, 'picture'), count(0, 'picture')]).toEqual(['1 picture', '0 pictures']);
});
