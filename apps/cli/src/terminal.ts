import { styleText } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import type { Io } from './context.ts';

/** Options of every command. */
export interface GlobalOptions {
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** Progress through a known number of things. */
export interface Progress {
  /** Says what is being worked on. */
  show(name: string): void;
  /** One more is done. */
  advance(): void;
  stop(): void;
}

/** Text for people and for pipes: data on stdout, everything else on stderr. */
export class Terminal {
  private readonly io: Io;
  private readonly quiet: boolean;
  private readonly colourful: boolean;

  constructor(io: Io, { quiet = false, color = true }: GlobalOptions) {
    this.io = io;
    this.quiet = quiet;
    this.colourful = color && !io.env.NO_COLOR && io.stdout.isTTY === true;
  }

  /** Data, on stdout. */
  print(text: string): void {
    this.io.stdout.write(`${text}\n`);
  }

  /** An explanation, on stderr; left out when the user wants quiet. */
  note(text: string): void {
    if (!this.quiet) this.io.stderr.write(`${text}\n`);
  }

  /** A problem, on stderr, always. */
  problem(text: string): void {
    this.io.stderr.write(`${text}\n`);
  }

  /** A table on stdout. Columns of numbers are right-aligned. */
  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const isNumeric = (column: number) => rows.every(row => /^(-?[\d.]+ ?%?|–)$/.test(String(row[column])));
    const table = new Table({
      head: head.map(text => (this.colourful ? styleText('bold', text, { validateStream: false }) : text)),
      colAligns: head.map((_, column) => (isNumeric(column) ? 'right' : 'left')),
      style: { head: [], border: [], compact: true },
    });
    table.push(...rows.map(row => row.map(String)));
    this.print(table.toString());
  }

  /** A progress bar with the time left, on stderr, where that is a terminal; elsewhere nothing. */
  progress(total: number): Progress {
    if (this.quiet || !this.io.stderr.isTTY) return { show() {}, advance() {}, stop() {} };
    const bar = new SingleBar(
      {
        format: '{bar} {value}/{total} | {eta_formatted} left | {name}',
        stream: this.io.stderr as unknown as NodeJS.WriteStream,
        clearOnComplete: true,
        hideCursor: true,
        etaBuffer: 20,
      },
      Presets.shades_classic,
    );
    bar.start(total, 0, { name: '' });
    return {
      show: name => bar.update({ name }),
      advance: () => bar.increment(),
      stop: () => bar.stop(),
    };
  }
}

/** A score in [0, 1] with three decimals; an en dash where it is undefined. */
export const decimals = (value: number | null, digits = 3): string => (value === null ? '–' : value.toFixed(digits));

/** A fraction as per cent with one decimal. */
export const percent = (fraction: number | null): string =>
  fraction === null ? '–' : `${(100 * fraction).toFixed(1)} %`;

/** `3 pictures`, `1 picture`. */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
