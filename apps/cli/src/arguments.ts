import { ShapeError, UsageError } from '@forgelens/autograd';
import { InvalidArgumentError } from 'commander';

/** A threshold of probabilities: at 1 nothing is above it, so it is not one. */
export function parseThreshold(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < 1))
    throw new InvalidArgumentError('It must be at least 0 and less than 1.');
  return value;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}

/** Names with commas between them. */
export const parseNames = (text: string): string[] => text.split(',').map(name => name.trim());

/** Lines to copy, for the end of a command's help. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}`;

/**
 * Does something for images of size × size px.
 * @throws {UsageError} when the network does not take them
 */
export async function atSize<T>(size: number, work: (size: number) => T | Promise<T>): Promise<T> {
  try {
    return await work(size);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new UsageError(`--size ${size}: ${error.message}`, { cause: error });
  }
}
