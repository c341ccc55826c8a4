/**
 * Tensors that stay in their file. ONNX Runtime maps the file into memory and reads each of them once, when it lays it
 * out for its kernels; so weights are in memory once, not also as they were in the file.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError, DataError } from '../../errors.ts';
import type { Safetensors, SafetensorsEntry } from '../../safetensors.ts';
import { decodeEntry, scanSafetensors } from '../../safetensors.ts';
import type { TensorFile, FileTensor } from '../../tensor.ts';
import { bytesPerElement, sizeOf, Tensor, viewBytes } from '../../tensor.ts';

/** Smaller tensors are read: a page of memory is the least that can be mapped. */
const storedFromBytes = 4096;

/**
 * Opens a safetensors file, and leaves its large float32 tensors there.
 *
 * @param who - names the file in errors
 * @throws {DataError} when it is no safetensors file, as `readSafetensors` does
 */
export async function openSafetensors(path: string, who = path): Promise<Safetensors<Tensor | FileTensor>> {
  const real = await realpath(path);
  const { size, mtimeMs } = await stat(real);
  const file: TensorFile = { folder: dirname(real), name: basename(real), length: size, modifiedMs: mtimeMs };
  const isStored = ({ dtype, begin, end }: SafetensorsEntry): boolean =>
    dtype === 'float32' && end - begin >= storedFromBytes && begin % bytesPerElement(dtype) === 0;
  return reading(real, read => {
    const { entries, metadata } = scanSafetensors({ length: size, read }, who);
    const tensors = entries.map((entry): [string, Tensor | FileTensor] => [
      entry.name,
      isStored(entry)
        ? { dtype: 'float32', shape: entry.shape, file, offset: entry.begin }
        : decodeEntry(entry, read(entry.begin, entry.end)),
    ]);
    return { tensors: new Map(tensors), metadata };
  });
}

/**
 * Reads what of these tensors is stored.
 * @throws {CheckpointError} when the file is another than it was
 */
export async function readFileTensors(
  tensors: Readonly<Record<string, Tensor | FileTensor>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const inMemory = async (tensor: Tensor | FileTensor): Promise<Tensor> => {
    if (!('file' in tensor)) return tensor;
    const { dtype, shape, file, offset } = tensor;
    await requireUnchanged(file);
    const length = sizeOf(shape) * bytesPerElement(dtype);
    const bytes = reading(join(file.folder, file.name), read => read(offset, offset + length));
    return new Tensor(dtype, shape, viewBytes(dtype, bytes));
  };
  const read: [string, Tensor][] = [];
  for (const [name, tensor] of Object.entries(tensors)) read.push([name, await inMemory(tensor)]);
  return Object.fromEntries(read);
}

/** @throws {CheckpointError} when the file is another than it was: places of tensors would be wrong in it */
export async function requireUnchanged({ folder, name, length, modifiedMs }: TensorFile): Promise<void> {
  const path = join(folder, name);
  const now = await stat(path).catch(() => null);
  if (now?.size !== length || now.mtimeMs !== modifiedMs)
    throw new CheckpointError(path, `${now ? 'has changed' : 'is gone'} since it was opened; open it again`);
}

/** Lends out what reads from a file. */
function reading<T>(path: string, work: (read: (begin: number, end: number) => Uint8Array) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return work((begin, end) => {
      const bytes = new Uint8Array(end - begin);
      let done = 0;
      while (done < bytes.length) {
        const count = readSync(descriptor, bytes, done, bytes.length - done, begin + done);
        if (count === 0) throw new DataError(path, 'has become shorter while it was read; copy it again');
        done += count;
      }
      return bytes;
    });
  } finally {
    closeSync(descriptor);
  }
}
