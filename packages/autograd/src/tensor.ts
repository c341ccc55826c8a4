import { ShapeError } from './errors.ts';

/** Element types of tensors and graph values, named as in the ONNX specification. */
export type DType = 'float32' | 'float16' | 'float64' | 'int64' | 'int32' | 'uint8' | 'bool';

/** The typed array that holds each dtype; float16 is held as its bit patterns, bool as 0 and 1. */
export interface DataOf {
  float32: Float32Array;
  float16: Uint16Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

export type Shape = readonly number[];

/** What is known of a tensor before its elements are: dtype and shape. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

const arrays = {
  float32: Float32Array,
  float16: Uint16Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes of one element. */
export const bytesPerElement = (dtype: DType): number => arrays[dtype].BYTES_PER_ELEMENT;

/** The number of elements of a shape; 1 for the shape [] of a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

/** A new typed array of `size` zeros. */
export const allocate = <D extends DType>(dtype: D, size: number): DataOf[D] => new arrays[dtype](size) as DataOf[D];

/** A view of `bytes` as elements of `dtype`, without a copy unless alignment asks for one. */
export function viewBytes<D extends DType>(dtype: D, bytes: Uint8Array): DataOf[D] {
  const width = bytesPerElement(dtype);
  // A copy by slice() would not be one for Node's Buffer.
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new arrays[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / width) as DataOf[D];
}

/** A tensor on the host: dtype, shape, and elements in row-major order. */
export class Tensor<D extends DType = DType> implements TensorType {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: DataOf[D];

  /** @throws {ShapeError} when `data` does not have as many elements as `shape` says. */
  constructor(dtype: D, shape: Shape, data: DataOf[D] = allocate(dtype, sizeOf(shape))) {
    if (data.length !== sizeOf(shape))
      throw new ShapeError('Tensor', `shape [${shape}] has ${sizeOf(shape)} elements but data has ${data.length}`);
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /** The number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** The elements as bytes, little-endian, without a copy. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.data.buffer as ArrayBuffer, this.data.byteOffset, this.data.byteLength);
  }
}

/** A file that holds tensors, as it was when it was opened. */
export interface TensorFile {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  readonly name: string;
  /** Bytes. */
  readonly length: number;
  /** When it was last written, ms since 1970. */
  readonly modifiedMs: number;
}

/** A tensor that stays in a file, where whoever needs its elements reads them: row-major, little-endian. */
export interface FileTensor extends TensorType {
  readonly file: TensorFile;
  /** Where its elements begin in the file, bytes. */
  readonly offset: number;
}

/** A float32 tensor from numbers. */
export const float32 = (shape: Shape, values: ArrayLike<number>): Tensor<'float32'> =>
  new Tensor('float32', shape, values instanceof Float32Array ? values : Float32Array.from(values));

/** An int64 tensor from whole numbers. */
export const int64 = (shape: Shape, values: readonly number[]): Tensor<'int64'> =>
  new Tensor('int64', shape, BigInt64Array.from(values, BigInt));
