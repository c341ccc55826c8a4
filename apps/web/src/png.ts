import { DataError } from '@forgelens/autograd';
import { decode, encode } from 'fast-png';
import type { FloatMap } from './paint.ts';

/**
 * A map from a 16-bit grey PNG: value / 65535. A canvas would leave 8 of the 16 bits.
 * @throws {DataError} when the PNG is something else
 */
export function decodeMap(png: Uint8Array<ArrayBuffer>, name: string): FloatMap {
  const { width, height, data, depth, channels } = decode(png);
  if (depth !== 16 || channels !== 1)
    throw new DataError(name, `not a map: ${channels} channels of ${depth} bits, but a map has one of 16`);
  return { width, height, values: Float32Array.from(data, level => level / 65_535) };
}

/** What is above the threshold, as a PNG: 255 tampered, 0 not. */
export const encodeMask = ({ width, height, values }: FloatMap, threshold: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    encode({ width, height, channels: 1, depth: 8, data: Uint8Array.from(values, p => (p > threshold ? 255 : 0)) }),
  );
