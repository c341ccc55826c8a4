import { DataError } from '../errors.ts';
import { isTar, isZip, readTar, readZip } from './archive.ts';
import type { PickleFunction } from './pickle.ts';
import { readPickle } from './pickle.ts';
import { elementTypes, isCount, Storage, StorageClass, viewOf, widthOf } from './stored-tensor.ts';

export { StoredTensor } from './stored-tensor.ts';

type Fail = (problem: string) => DataError;

/**
 * Reads a checkpoint of PyTorch (`torch.save`): the zip format of versions from 1.6 on, the one before it (pickles and
 * raw storages), and the tar archives of 2016. It runs nothing: the few functions that a checkpoint of tensors, numbers
 * and texts names are in a table here, and every other name is refused. Tensors are read when they are asked for.
 *
 * @param path - names the file in errors
 * @returns what was saved: null, booleans, numbers (bigint where large), texts, bytes, arrays (of lists and tuples),
 * Maps (of dictionaries) and `StoredTensor`s; null also in place of command-line arguments and NumPy's scalars
 * @throws {DataError} when the file is cut off, is none of the three formats, or names anything else
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 */
export function readPytorch(bytes: Uint8Array, path = 'checkpoint'): unknown {
  const fail: Fail = problem => new DataError(path, problem);
  if (isZip(bytes)) return readZipped(bytes, fail);
  if (isTar(bytes)) return readTarred(bytes, fail);
  if (bytes[0] === 0x80) return readLegacy(bytes, fail);
  throw fail('is no checkpoint of PyTorch: neither a zip archive, nor a binary pickle, nor a tar archive');
}

const bigEndian = 'is from a big-endian machine; save it again on another one';

/** The file data.pkl, in which storages are named, and a file data/<key> for each of them. */
function readZipped(bytes: Uint8Array, fail: Fail): unknown {
  const files = readZip(bytes, fail);
  const root = [...files.keys()].find(name => /^[^/]+\/data\.pkl$/.test(name))?.replace(/data\.pkl$/, '');
  if (root === undefined) throw fail('is a zip archive without data.pkl, so torch.save has not written it');
  if (new TextDecoder().decode(files.get(`${root}byteorder`)) === 'big') throw fail(bigEndian);
  const storages = new Map<unknown, Storage>();
  const persistent = (id: unknown): Storage => {
    const { key, storage } = parseStorageId(id, fail);
    const known = storages.get(key);
    if (known) return known;
    storage.bytes = files.get(`${root}data/${key}`) ?? null;
    const expected = storage.size * widthOf(storage.type);
    if (storage.bytes?.length !== expected)
      throw fail(`its storage ${key} has ${storage.bytes?.length ?? 'no'} bytes, not ${expected}; copy it again`);
    storages.set(key, storage);
    return storage;
  };
  return readPickle(files.get(`${root}data.pkl`)!, 0, { globals: globalsFor(fail), persistent, fail }).value;
}

const legacyMagic = 0x1950a86a20f9469cfc6cn;
const legacyVersion = 1001;

/** Pickles of a magic number, a version, facts of the machine, what was saved, and keys; then the keys' storages. */
function readLegacy(bytes: Uint8Array, fail: Fail): unknown {
  const storages = new Map<unknown, Storage>();
  const persistent = (id: unknown): Storage => {
    const { key, storage, view } = parseStorageId(id, fail);
    if (view) throw fail(`its storage ${key} is a view of another, as only PyTorch before 0.4 wrote; save it again`);
    const known = storages.get(key) ?? storage;
    storages.set(key, known);
    return known;
  };
  const world = { globals: globalsFor(fail), persistent, fail };
  let position = 0;
  const next = (): unknown => {
    const { value, end } = readPickle(bytes, position, world);
    position = end;
    return value;
  };
  const [magic, version, machine, saved, keys] = [next(), next(), next(), next(), next()];
  if (magic !== legacyMagic || version !== legacyVersion || !Array.isArray(keys))
    throw fail('is a pickle, but not one that torch.save has written');
  if (machine instanceof Map && machine.get('little_endian') === false) throw fail(bigEndian);
  if (keys.length !== storages.size || !keys.every(key => storages.has(key)))
    throw fail('is damaged: the storages that follow are not those of its tensors; copy it again');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const storage = storages.get(key)!;
    const begin = position + 8;
    const size = begin <= bytes.length ? Number(view.getBigUint64(position, true)) : -1;
    position = begin + storage.size * widthOf(storage.type);
    if (position > bytes.length || size !== storage.size)
      throw fail(`is cut off or damaged in its storage ${String(key)}; copy it again`);
    storage.bytes = bytes.subarray(begin, position);
  }
  return saved;
}

/** The files `storages`, `tensors` (views of them) and `pickle` (what was saved, in which tensors are numbered). */
function readTarred(bytes: Uint8Array, fail: Fail): unknown {
  const files = readTar(bytes, fail);
  const objects = new Map<unknown, unknown>();
  const damaged = (name: string) =>
    fail(`is a tar archive that is cut off or damaged in its file ${name}; copy it again`);
  const persistent = (id: unknown): unknown => {
    if (!objects.has(Number(id))) throw damaged('pickle');
    return objects.get(Number(id));
  };
  const world = { globals: globalsFor(fail), persistent, fail };
  /** Reads a file of pickles and raw numbers from its beginning to its end. */
  const open = (name: string) => {
    const file = files.get(name);
    if (file === undefined) throw fail(`is a tar archive without ${name}, so torch.save has not written it`);
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    let position = 0;
    const take = (length: number): number => {
      if (!(length >= 0 && position + length <= file.length)) throw damaged(name);
      position += length;
      return position - length;
    };
    const int64 = (): number => Number(view.getBigInt64(take(8), true));
    return {
      int64,
      int64s: (count: number) => Array.from({ length: count }, int64),
      bytes: (length: number) => file.subarray(take(length), position),
      int32: () => view.getInt32(take(4), true),
      pickle(): unknown {
        const { value, end } = readPickle(file, position, world);
        position = end;
        return value;
      },
      /** A pickle of a count, and then as many pickles of arrays. */
      *records(): Generator<readonly unknown[]> {
        const count = Number(this.pickle());
        for (let i = 0; i < count; i++) {
          const record = this.pickle();
          if (!Array.isArray(record)) throw damaged(name);
          yield record;
        }
      },
    };
  };

  const storages = open('storages');
  for (const [key, , storageClass] of storages.records()) {
    if (!(storageClass instanceof StorageClass)) throw damaged('storages');
    const storage = new Storage(storageClass.type, storages.int64());
    storage.bytes = storages.bytes(storage.size * widthOf(storage.type));
    objects.set(key, storage);
  }
  const tensors = open('tensors');
  for (const [key, storage] of tensors.records()) {
    const rank = tensors.int32();
    tensors.int32(); // the rank once took eight bytes
    const [shape, strides, offset] = [tensors.int64s(rank), tensors.int64s(rank), tensors.int64()];
    objects.set(key, viewOf(objects.get(storage), offset, shape, strides, fail));
  }
  return open('pickle').pickle();
}

/** A storage and its key, as pickles of the zip format and the one before it name it. */
function parseStorageId(
  id: unknown,
  fail: Fail,
): { readonly key: string; readonly storage: Storage; readonly view: boolean } {
  const [kind, storageClass, key, , size, view] = Array.isArray(id) ? (id as unknown[]) : [];
  if (kind !== 'storage' || typeof key !== 'string' || !(storageClass instanceof StorageClass) || !isCount(size))
    throw fail('its pickle is broken: an id from outside is not of a storage');
  return { key, storage: new Storage(storageClass.type, size), view: view !== undefined && view !== null };
}

/** All that a checkpoint may name. */
function globalsFor(fail: Fail): ReadonlyMap<string, unknown> {
  const first: PickleFunction = ([value = null]) => value;
  /** An OrderedDict of Python 2 is made of its pairs, one of Python 3 is filled afterwards. */
  const dictionary: PickleFunction = ([pairs = []]) => {
    if (!Array.isArray(pairs) || !pairs.every(Array.isArray))
      throw fail('its pickle is broken: a dictionary has no pairs');
    return new Map((pairs as unknown[][]).map(([key, value]) => [key, value]));
  };
  const nothing: PickleFunction = () => null;
  const tensor: PickleFunction = ([storage, offset, shape, strides]) => viewOf(storage, offset, shape, strides, fail);
  const names = Object.keys(elementTypes) as (keyof typeof elementTypes)[];
  return new Map<string, unknown>([
    ['collections.OrderedDict', dictionary],
    ['torch._utils._rebuild_tensor', tensor],
    ['torch._utils._rebuild_tensor_v2', tensor],
    ['torch._utils._rebuild_parameter', first],
    ['torch.Size', first],
    ...names.flatMap(name =>
      ['torch', 'torch.cuda'].flatMap((module): [string, unknown][] => [
        [`${module}.${name}Storage`, new StorageClass(elementTypes[name])],
        [`${module}.${name}Tensor`, null],
      ]),
    ),
    // What trainings keep beside the weights, and what is not needed here.
    ['argparse.Namespace', nothing],
    ['torch.device', nothing],
    ['numpy.dtype', nothing],
    ['numpy.core.multiarray.scalar', nothing],
    ['numpy._core.multiarray.scalar', nothing],
    ['_codecs.encode', nothing],
    ['collections.Counter', nothing],
    ['collections.defaultdict', () => new Map()],
    ['__builtin__.dict', nothing],
    ['builtins.dict', nothing],
  ]);
}
