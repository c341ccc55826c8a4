import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { DataError } from './errors.ts';
import { fromFloat16Bits, toFloat16Bits } from './float16.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { DType, Shape } from './tensor.ts';
import { bytesPerElement, float32, int64, sizeOf, Tensor, viewBytes } from './tensor.ts';

const generator = 'made by tools/golden/formats.py';
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

const dtypes: readonly DType[] = ['float32', 'float16', 'float64', 'int64', 'int32', 'uint8', 'bool'];
const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const anyTensor = fc.tuple(fc.constantFrom(...dtypes), shapes).chain(([dtype, shape]) =>
  fc
    .uint8Array({
      minLength: sizeOf(shape) * bytesPerElement(dtype),
      maxLength: sizeOf(shape) * bytesPerElement(dtype),
    })
    .map(bytes => new Tensor(dtype, shape, viewBytes(dtype, bytes))),
);

const message = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('float16', () => {
  test('every bit pattern but NaN comes back', () => {
    for (let bits = 0; bits < 65536; bits++)
      if ((bits & 0x7fff) <= 0x7c00 && toFloat16Bits(fromFloat16Bits(bits)) !== bits)
        expect.fail(`${bits.toString(16)} came back as ${toFloat16Bits(fromFloat16Bits(bits)).toString(16)}`);
    expect(fromFloat16Bits(toFloat16Bits(NaN))).toBeNaN();
    expect(fromFloat16Bits(0x7c01)).toBeNaN();
  });

  test('numbers are rounded as NumPy rounds them', () => {
    const { numbers, bits } = JSON.parse(fixture('float16.json').toString()) as { numbers: number[]; bits: number[] };
    expect(numbers.map(toFloat16Bits), generator).toEqual(bits);
  });

  test('a number goes to the nearest float16, a tie to the even one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), fc.double({ min: 0, max: 1, noNaN: true }), (bits, t) => {
        const [low, high] = [fromFloat16Bits(bits), fromFloat16Bits(bits + 1)];
        const x = low + t * (high - low);
        const expected = x - low < high - x ? bits : x - low > high - x ? bits + 1 : bits + (bits & 1);
        expect(toFloat16Bits(x)).toBe(expected);
        expect(toFloat16Bits(-x)).toBe(expected | 0x8000);
      }),
    );
    expect(toFloat16Bits(65520)).toBe(0x7c00);
    expect(toFloat16Bits(65519.99)).toBe(0x7bff);
  });
});

describe('npy', () => {
  test('arrays of NumPy are read, and written back to the same bytes', () => {
    const values = [-1.5, 0, 2.25, 65504, -0, 6e-8];
    expect(readNpy(fixture('float32.npy')), generator).toEqual(float32([2, 3], values));
    expect([...(readNpy(fixture('float16.npy')).data as Uint16Array)].map(fromFloat16Bits)).toEqual([
      -1.5,
      0,
      2.25,
      65504,
      -0,
      2 ** -24,
    ]);
    expect(readNpy(fixture('float64.npy')), generator).toEqual(
      new Tensor('float64', [2, 3], Float64Array.from(values)),
    );
    expect(readNpy(fixture('int64.npy')), generator).toEqual(int64([4], [0, 1, 200, 7]));
    expect(readNpy(fixture('int32.npy')), generator).toEqual(new Tensor('int32', [4], Int32Array.of(0, 1, 200, 7)));
    expect(readNpy(fixture('uint8.npy')), generator).toEqual(new Tensor('uint8', [4], Uint8Array.of(0, 1, 200, 7)));
    expect(readNpy(fixture('bool.npy')), generator).toEqual(new Tensor('bool', [4], Uint8Array.of(0, 1, 1, 1)));
    expect(readNpy(fixture('scalar.npy')), generator).toEqual(float32([], [3.5]));
    for (const name of [...dtypes, 'scalar'])
      expect(writeNpy(readNpy(fixture(`${name}.npy`))), generator).toEqual(new Uint8Array(fixture(`${name}.npy`)));
  });

  test('format versions 2 and 3 are read too', () => {
    for (const name of ['version2.npy', 'version3.npy'])
      expect(readNpy(fixture(name)), generator).toEqual(
        new Tensor('int32', [1, 2, 3], Int32Array.of(0, 1, 2, 3, 4, 5)),
      );
  });

  test('every tensor comes back', () => {
    fc.assert(
      fc.property(anyTensor, tensor => {
        expect(readNpy(writeNpy(tensor))).toEqual(tensor);
      }),
    );
  });

  test('data are a view of the file where they are aligned in it', () => {
    const file = writeNpy(float32([2], [1, 2]));
    expect(readNpy(file).data.buffer).toBe(file.buffer);
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    expect(readNpy(shifted.subarray(1))).toEqual(float32([2], [1, 2]));
    // Node's Buffer, whose slice() is not a copy
    expect(readNpy(Buffer.from(shifted.buffer, 1))).toEqual(float32([2], [1, 2]));
  });

  test('what cannot be read is refused with its path', () => {
    const good = writeNpy(float32([2], [1, 2]));
    const changed = (position: number, ...bytes: number[]) => good.map((byte, i) => bytes[i - position] ?? byte);
    expect([
      message(() => readNpy(Uint8Array.of(1, 2, 3), 'a.npy')),
      message(() => readNpy(fixture('fortran.npy'), 'a.npy')),
      message(() => readNpy(fixture('big-endian.npy'), 'a.npy')),
      message(() => readNpy(good.subarray(0, 40), 'a.npy')),
      message(() => readNpy(good.subarray(0, -1), 'a.npy')),
      message(() => readNpy(changed(6, 4), 'a.npy')),
      message(() => readNpy(changed(12, 0x44), 'a.npy')),
    ]).toMatchInlineSnapshot(`
      [
        "a.npy: is not a .npy file",
        "a.npy: is in Fortran order; save numpy.ascontiguousarray(x)",
        "a.npy: holds elements of type >f4, not one of <f4 <f2 <f8 <i8 <i4 |u1 |b1; save x.astype(…)",
        "a.npy: is cut off in its header: 118 bytes announced, 30 there",
        "a.npy: float32 [2] takes 8 bytes, but 7 follow its header",
        "a.npy: has format version 4, but only 1, 2 and 3 are known",
        "a.npy: its header must give descr, fortran_order and shape, got {'Descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
      ]
    `);
  });
});

describe('safetensors', () => {
  /** A file with this header and so many bytes of data. */
  const file = (header: unknown, size: number, text = JSON.stringify(header)): Uint8Array => {
    const bytes = new Uint8Array(8 + text.length + size);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(new TextEncoder().encode(text), 8);
    return bytes;
  };
  const entry = (begin: number, end: number, dtype = 'F32', shape: Shape = [(end - begin) / 4]) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });

  test('every set of tensors comes back, in its order, with its metadata', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), anyTensor).map(record => new Map(Object.entries(record))),
        fc.dictionary(fc.string({ minLength: 1 }), fc.string()),
        (tensors, metadata) => {
          tensors.delete('__metadata__');
          const read = readSafetensors(writeSafetensors(tensors, metadata));
          expect([...read.tensors]).toEqual([...tensors]);
          expect(read.metadata).toEqual(metadata);
        },
      ),
    );
  });

  test('tensors are views of the file, all aligned', () => {
    const bytes = writeSafetensors({
      mask: new Tensor('bool', [3]),
      weight: float32([2], [1, 2]),
      step: int64([], [7]),
    });
    const { tensors } = readSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(['mask', 'weight', 'step']);
    for (const { data } of tensors.values()) expect(data.buffer).toBe(bytes.buffer);
  });

  test('a file is what the format says, byte by byte', () => {
    const bytes = writeSafetensors({ w: float32([1, 2], [1, -2]) }, { format: 'pt' });
    const text = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(88n);
    expect(new TextDecoder().decode(bytes.subarray(8, 96))).toBe(text.padEnd(88));
    expect([...bytes.subarray(96)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
  });

  test('bfloat16 becomes float32 exactly', () => {
    const bytes = file({ w: entry(0, 6, 'BF16', [3]) }, 6);
    bytes.set([0x80, 0x3f, 0x00, 0xc0, 0x80, 0xff], bytes.length - 6);
    expect(readSafetensors(bytes).tensors.get('w')).toEqual(float32([3], [1, -2, -Infinity]));
  });

  test('what cannot be read is refused with its path', () => {
    const read = (bytes: Uint8Array) => message(() => readSafetensors(bytes, 'unet.safetensors'));
    const hugeHeader = new Uint8Array(16).fill(255);
    expect([
      read(new Uint8Array(3)),
      read(hugeHeader),
      read(file({ w: entry(0, 8) }, 8).subarray(0, 20)),
      read(file(null, 0, '{"w": ')),
      read(file([], 0)),
      read(file({ __metadata__: { epoch: 3 } }, 0)),
      read(file({ w: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4)),
      read(file({ w: entry(0, 4, 'F8_E4M3', [4]) }, 4)),
      read(file({ w: entry(0, 4, 'constructor', [4]) }, 4)),
      read(file({ w: entry(0, 8) }, 4)),
      read(file({ w: entry(0, 8, 'F32', [3]) }, 8)),
      read(file({ w: entry(8, 0, 'F32', [2]) }, 8)),
      read(file({ a: entry(0, 8), b: entry(4, 12) }, 12)),
      read(file({ a: entry(0, 4), b: entry(8, 12) }, 12)),
      read(file({ a: entry(0, 4) }, 8)),
    ]).toMatchInlineSnapshot(`
      [
        "unet.safetensors: has 3 bytes, but the header's length alone takes 8; is it a safetensors file?",
        "unet.safetensors: claims a header of 18446744073709552000 bytes, more than 100000000; is it a safetensors file?",
        "unet.safetensors: is cut off in its header: 54 bytes announced, 12 there; copy it again",
        "unet.safetensors: its header is not JSON; is it a safetensors file?",
        "unet.safetensors: its header is not a JSON object",
        "unet.safetensors: __metadata__ must be texts by key",
        "unet.safetensors: "w" needs dtype, shape and two data_offsets in the header",
        "unet.safetensors: "w" has dtype F8_E4M3, which is not one of F32, F16, F64, I64, I32, U8, BOOL, BF16; convert it",
        "unet.safetensors: "w" has dtype constructor, which is not one of F32, F16, F64, I64, I32, U8, BOOL, BF16; convert it",
        "unet.safetensors: is cut off: "w" ends at byte 8 of the data, but there are 4; copy it again",
        "unet.safetensors: "w" (F32 [3]) takes 12 bytes, but data_offsets [0,8] hold 8",
        "unet.safetensors: "w" (F32 [2]) takes 8 bytes, but data_offsets [8,0] hold -8",
        "unet.safetensors: "b" starts at 4, but the tensor before it ends at 8; there must be no overlap and no gap",
        "unet.safetensors: "b" starts at 8, but the tensor before it ends at 4; there must be no overlap and no gap",
        "unet.safetensors: has 4 bytes after its last tensor",
      ]
    `);
  });

  test('no cut or changed file is read as if it were whole', () => {
    const good = writeSafetensors({ a: float32([2], [1, 2]), b: int64([1], [3]) });
    fc.assert(
      fc.property(fc.nat(good.length - 1), length => {
        expect(() => readSafetensors(good.subarray(0, length))).toThrow(DataError);
      }),
    );
    // A changed byte gives other tensors or a DataError, never another exception.
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (position, byte) => {
        try {
          readSafetensors(good.map((b, i) => (i === position ? byte : b)));
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
    );
  });
});
