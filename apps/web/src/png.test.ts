import { encodeMap16 } from '@forgelens/imaging';
import { decode, encode } from 'fast-png';
import { expect, test } from 'vitest';
import { decodeMap, encodeMask } from './png.ts';

test('a map keeps its 16 bits', async () => {
  const values = Float32Array.from({ length: 12 }, (_, i) => (i * 5957) / 65_535);
  const png = new Uint8Array(await encodeMap16(values, 4, 3));
  expect(decodeMap(png, 'map.png')).toEqual({ width: 4, height: 3, values });
});

test('a picture of 8 bits is refused as a map', () => {
  const png = new Uint8Array(encode({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) }));
  expect(() => decodeMap(png, 'map.png')).toThrow('map.png: not a map: 3 channels of 8 bits, but a map has one of 16');
});

test('a mask has what is above the threshold', () => {
  const map = { width: 2, height: 2, values: new Float32Array([0.2, 0.5, 0.50001, 1]) };
  expect([...decode(encodeMask(map, 0.5)).data]).toEqual([0, 0, 255, 255]);
});
