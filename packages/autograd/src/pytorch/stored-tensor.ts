import type { DataError } from '../errors.ts';
import { fromBfloat16 } from '../float16.ts';
import type { DType, Shape, TensorType } from '../tensor.ts';
import { allocate, bytesPerElement, sizeOf, Tensor, viewBytes } from '../tensor.ts';

/** PyTorch's names for the element types of its storages. */
export const elementTypes = {
  Float: 'float32',
  Half: 'float16',
  BFloat16: 'bfloat16',
  Double: 'float64',
  Long: 'int64',
  Int: 'int32',
  Byte: 'uint8',
  Bool: 'bool',
} as const;

export type ElementType = (typeof elementTypes)[keyof typeof elementTypes];

/** Bytes of one element in a file. */
export const widthOf = (type: ElementType): number => (type === 'bfloat16' ? 2 : bytesPerElement(type));

/** The class of a storage, as pickles name it. */
export class StorageClass {
  readonly type: ElementType;
  constructor(type: ElementType) {
    this.type = type;
  }
}

/** Elements in a row, which tensors are views of. */
export class Storage {
  readonly type: ElementType;
  readonly size: number;
  /** Set once its place in the file is known. */
  bytes: Uint8Array | null = null;
  constructor(type: ElementType, size: number) {
    this.type = type;
    this.size = size;
  }
}

/** A tensor of a PyTorch checkpoint, which is read when it is asked for. */
export class StoredTensor implements TensorType {
  /** Of the tensor when it is read: bfloat16, which no typed array holds, becomes float32, exactly. */
  readonly dtype: DType;
  readonly shape: Shape;
  private readonly storage: Storage;
  private readonly offset: number;
  private readonly strides: readonly number[];

  constructor(storage: Storage, offset: number, shape: Shape, strides: readonly number[]) {
    this.dtype = storage.type === 'bfloat16' ? 'float32' : storage.type;
    this.shape = shape;
    this.storage = storage;
    this.offset = offset;
    this.strides = strides;
  }

  /** The elements in row-major order: a view of the file where they lie in it so, else a copy. */
  read(): Tensor {
    const { type, bytes } = this.storage;
    const dtype = type === 'bfloat16' ? 'float16' : type;
    const whole = viewBytes(dtype, bytes!.subarray(this.offset * widthOf(type)));
    const data = isRowMajor(this.shape, this.strides)
      ? whole.subarray(0, sizeOf(this.shape))
      : gather(whole, allocate(dtype, sizeOf(this.shape)), this.shape, this.strides);
    return type === 'bfloat16'
      ? new Tensor('float32', this.shape, fromBfloat16(data as Uint16Array))
      : new Tensor(dtype, this.shape, data);
  }
}

/** Whether the elements follow each other; the stride of an axis of one element does not matter. */
function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** Fills `to` with the elements that strides point to, in row-major order. */
function gather(from: Tensor['data'], to: Tensor['data'], shape: Shape, strides: readonly number[]): Tensor['data'] {
  const index = shape.map(() => 0);
  let position = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[position]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      position -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return to;
}

/** A whole number from 0. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(isCount);

/** A tensor within a storage. @throws {DataError} when it is not within */
export function viewOf(
  storage: unknown,
  offset: unknown,
  shape: unknown,
  strides: unknown,
  fail: (problem: string) => DataError,
): StoredTensor {
  if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides))
    throw fail('its pickle is broken: a tensor needs a storage, an offset, a shape and strides');
  const last = shape.reduce((position, extent, axis) => position + (extent - 1) * strides[axis]!, offset);
  if (shape.length !== strides.length || (sizeOf(shape) > 0 && last >= storage.size))
    throw fail(`a tensor [${shape}] with strides [${strides}] is not within its storage of ${storage.size} elements`);
  return new StoredTensor(storage, offset, shape, strides);
}
