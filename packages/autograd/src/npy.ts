import { DataError } from './errors.ts';
import type { DType } from './tensor.ts';
import { bytesPerElement, sizeOf, Tensor, viewBytes } from './tensor.ts';

/** NumPy's names for our dtypes, little-endian. */
const descriptions: Readonly<Record<DType, string>> = {
  float32: '<f4',
  float16: '<f2',
  float64: '<f8',
  int64: '<i8',
  int32: '<i4',
  uint8: '|u1',
  bool: '|b1',
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads one array of NumPy, format version 1, 2 or 3.
 *
 * @param path - names the file in errors
 * @throws {DataError} when the file is cut off, is in Fortran order, or holds elements that are not one of our dtypes
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(bytes: Uint8Array, path = 'npy'): Tensor {
  const fail = (problem: string) => new DataError(path, problem);
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) throw fail('is not a .npy file');
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw fail(`has format version ${version}, but only 1, 2 and 3 are known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [start, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (start + length > bytes.length)
    throw fail(`is cut off in its header: ${length} bytes announced, ${bytes.length - start} there`);

  const header = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(start, start + length));
  const description = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const extents = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (description === undefined || order === undefined || extents === undefined)
    throw fail(`its header must give descr, fortran_order and shape, got ${header.trim()}`);
  if (order === 'True') throw fail('is in Fortran order; save numpy.ascontiguousarray(x)');
  const dtype = (Object.keys(descriptions) as DType[]).find(name => descriptions[name] === description);
  if (dtype === undefined)
    throw fail(
      `holds elements of type ${description}, not one of ${Object.values(descriptions).join(' ')}; save x.astype(…)`,
    );

  const shape = extents
    .split(',')
    .filter(text => text.trim() !== '')
    .map(Number);
  const data = bytes.subarray(start + length);
  const expected = sizeOf(shape) * bytesPerElement(dtype);
  if (data.length !== expected)
    throw fail(`${dtype} [${shape}] takes ${expected} bytes, but ${data.length} follow its header`);
  return new Tensor(dtype, shape, viewBytes(dtype, data));
}

/** Writes a tensor as a .npy file, format version 1, as `numpy.save` does. */
export function writeNpy({ dtype, shape, bytes }: Tensor): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The data start at a multiple of 64.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const file = new Uint8Array(10 + length + bytes.length);
  file.set(magic);
  file.set([1, 0, length & 255, length >> 8], 6);
  file.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  file.set(bytes, 10 + length);
  return file;
}
