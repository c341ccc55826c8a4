import { DataError } from './errors.ts';
import { fromBfloat16 } from './float16.ts';
import type { DType, TensorType } from './tensor.ts';
import { bytesPerElement, sizeOf, Tensor, viewBytes } from './tensor.ts';

/** A checkpoint file: tensors by name in the order of its header, and free text by key. */
export interface Safetensors<T extends TensorType = Tensor> {
  readonly tensors: ReadonlyMap<string, T>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file, in memory or not. */
export interface ByteSource {
  readonly length: number;
  read(begin: number, end: number): Uint8Array;
}

/** The format's names for our dtypes. */
const codes: Readonly<Record<DType, string>> = {
  float32: 'F32',
  float16: 'F16',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};
const dtypes = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));

/** 100 MB, the limit of the format's own library. */
const maxHeaderBytes = 100_000_000;

/** A tensor as the header of a safetensors file describes it. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: DType | 'bfloat16';
  readonly shape: readonly number[];
  /** Where its bytes begin and end in the file. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file. Tensors are views of `bytes` where their place in the file allows it; bfloat16, which no
 * typed array holds, becomes float32, exactly.
 *
 * @param path - names the file in errors
 * @throws {DataError} when the file is cut off, its header is broken, tensors overlap or leave gaps, or a dtype is not
 * one of ours
 * @see https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(bytes: Uint8Array, path = 'safetensors'): Safetensors {
  const read = (begin: number, end: number): Uint8Array => bytes.subarray(begin, end);
  const { entries, metadata } = scanSafetensors({ length: bytes.length, read }, path);
  return {
    tensors: new Map(entries.map(entry => [entry.name, decodeEntry(entry, read(entry.begin, entry.end))])),
    metadata,
  };
}

/**
 * Reads what a safetensors file holds, but not the tensors themselves.
 *
 * @param path - names the file in errors
 * @throws {DataError} when the file is cut off, its header is broken, tensors overlap or leave gaps, or a dtype is not
 * one of ours
 */
export function scanSafetensors(
  source: ByteSource,
  path: string,
): { readonly entries: readonly SafetensorsEntry[]; readonly metadata: Readonly<Record<string, string>> } {
  const fail = (problem: string, cause?: unknown) => new DataError(path, problem, { cause });
  if (source.length < 8)
    throw fail(`has ${source.length} bytes, but the header's length alone takes 8; is it a safetensors file?`);
  const start = source.read(0, 8);
  const headerLength = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (headerLength > maxHeaderBytes)
    throw fail(`claims a header of ${headerLength} bytes, more than ${maxHeaderBytes}; is it a safetensors file?`);
  if (headerLength > source.length - 8)
    throw fail(`is cut off in its header: ${headerLength} bytes announced, ${source.length - 8} there; copy it again`);

  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(source.read(8, 8 + headerLength)));
  } catch (error) {
    throw fail('its header is not JSON; is it a safetensors file?', error);
  }
  if (!isRecord(header)) throw fail('its header is not a JSON object');
  const { __metadata__: metadata = {}, ...described } = header;
  if (!isRecord(metadata) || Object.values(metadata).some(text => typeof text !== 'string'))
    throw fail('__metadata__ must be texts by key');

  const dataBegin = 8 + headerLength;
  const dataLength = source.length - dataBegin;
  const entries = Object.entries(described).map(([name, entry]) => parseEntry(name, entry, dataLength, fail));
  let place = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== place)
      throw fail(
        `"${name}" starts at ${begin}, but the tensor before it ends at ${place}; there must be no overlap and no gap`,
      );
    place = end;
  }
  if (place !== dataLength) throw fail(`has ${dataLength - place} bytes after its last tensor`);
  return {
    entries: entries.map(entry => ({ ...entry, begin: dataBegin + entry.begin, end: dataBegin + entry.end })),
    metadata: metadata as Record<string, string>,
  };
}

/** One entry of the header, checked; its place is one in the data. */
function parseEntry(
  name: string,
  entry: unknown,
  available: number,
  fail: (problem: string) => DataError,
): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2)
    throw fail(`"${name}" needs dtype, shape and two data_offsets in the header`);
  const known = dtypes.get(dtype);
  if (known === undefined && dtype !== 'BF16')
    throw fail(
      `"${name}" has dtype ${dtype}, which is not one of ${[...dtypes.keys(), 'BF16'].join(', ')}; convert it`,
    );
  const width = known ? bytesPerElement(known) : 2;
  const [begin, end] = offsets as [number, number];
  if (end > available)
    throw fail(`is cut off: "${name}" ends at byte ${end} of the data, but there are ${available}; copy it again`);
  if (end - begin !== sizeOf(shape) * width)
    throw fail(
      `"${name}" (${dtype} [${shape}]) takes ${sizeOf(shape) * width} bytes, but data_offsets [${offsets}] hold ${end - begin}`,
    );
  return { name, dtype: known ?? 'bfloat16', shape, begin, end };
}

/** The tensor of an entry, from its bytes: a view of them where their place allows it. */
export const decodeEntry = ({ dtype, shape }: SafetensorsEntry, bytes: Uint8Array): Tensor =>
  dtype === 'bfloat16'
    ? new Tensor('float32', shape, fromBfloat16(viewBytes('float16', bytes)))
    : new Tensor(dtype, shape, viewBytes(dtype, bytes));

/** How a safetensors file is written: its beginning, and then the bytes of its tensors in an order of their own. */
export interface SafetensorsLayout {
  readonly head: Uint8Array;
  /** Names of the tensors as their bytes follow the head. */
  readonly order: readonly string[];
  /** Bytes of the whole file. */
  readonly length: number;
}

/**
 * Lays out a safetensors file, so that it can be written tensor by tensor. The header keeps the order of `types`; the
 * data are laid out by element width, so that every tensor is aligned.
 */
export function layOutSafetensors(
  types: ReadonlyMap<string, TensorType>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const widthOf = (name: string) => bytesPerElement(types.get(name)!.dtype);
  const order = [...types.keys()].sort((a, b) => widthOf(b) - widthOf(a));
  const offsets = new Map<string, readonly [begin: number, end: number]>();
  let length = 0;
  for (const name of order) {
    const end = length + sizeOf(types.get(name)!.shape) * widthOf(name);
    offsets.set(name, [length, end]);
    length = end;
  }
  const header: unknown = Object.fromEntries([
    ...(Object.keys(metadata).length > 0 ? [['__metadata__', metadata] as const] : []),
    ...[...types].map(
      ([name, { dtype, shape }]) => [name, { dtype: codes[dtype], shape, data_offsets: offsets.get(name) }] as const,
    ),
  ]);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + headerLength).fill(0x20, 8); // the format pads its header with spaces
  new DataView(head.buffer).setBigUint64(0, BigInt(headerLength), true);
  head.set(text, 8);
  return { head, order, length: head.length + length };
}

/** Writes a safetensors file, laid out as `layOutSafetensors` says. The same tensors give the same bytes. */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const named: ReadonlyMap<string, Tensor> = isMap(tensors) ? tensors : new Map(Object.entries(tensors));
  const { head, order, length } = layOutSafetensors(named, metadata);
  const file = new Uint8Array(length);
  file.set(head);
  let position = head.length;
  for (const name of order) {
    const { bytes } = named.get(name)!;
    file.set(bytes, position);
    position += bytes.length;
  }
  return file;
}

const isMap = (tensors: object): tensors is ReadonlyMap<string, Tensor> => tensors instanceof Map;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list of whole numbers from 0. */
const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every(n => Number.isSafeInteger(n) && n >= 0);
