import type { DataError } from '../errors.ts';

/** The files in an archive by name, as views of its bytes. */
export type Files = ReadonlyMap<string, Uint8Array>;

type Fail = (problem: string) => DataError;

const cutOff = 'is a zip archive that is cut off or damaged; copy it again';

/**
 * The files of a zip archive (with 64-bit sizes where it has them) that are stored as they are, which is how PyTorch
 * stores all of them: so the weights are views of the archive, and take no memory of their own.
 *
 * @throws {DataError} when the archive is cut off, or a file in it is compressed
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function readZip(bytes: Uint8Array, fail: Fail): Files {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (position: number, length: number): number => {
    if (!(position >= 0 && position + length <= bytes.length)) throw fail(cutOff);
    return position;
  };
  const uint16 = (position: number): number => view.getUint16(within(position, 2), true);
  const uint32 = (position: number): number => view.getUint32(within(position, 4), true);
  const uint64 = (position: number): number => Number(view.getBigUint64(within(position, 8), true));
  const slice = (position: number, length: number): Uint8Array =>
    bytes.subarray(within(position, length), position + length);

  // The end record is the last 22 bytes, before a comment of up to 65535.
  let end = bytes.length - 22;
  while (end >= Math.max(0, bytes.length - 22 - 65535) && uint32(end) !== 0x06054b50) end--;
  if (end < 0 || uint32(end) !== 0x06054b50) throw fail(cutOff);
  let [count, position] = [uint16(end + 10), uint32(end + 16)];
  if (end >= 20 && uint32(end - 20) === 0x07064b50) {
    const end64 = uint64(end - 20 + 8);
    [count, position] = [uint64(end64 + 32), uint64(end64 + 48)];
  }

  const files = new Map<string, Uint8Array>();
  for (let i = 0; i < count; i++) {
    if (uint32(position) !== 0x02014b50) throw fail(cutOff);
    const [nameLength, extraLength] = [uint16(position + 28), uint16(position + 30)];
    const name = new TextDecoder().decode(slice(position + 46, nameLength));
    if (uint16(position + 10) !== 0)
      throw fail(`is a zip archive in which ${name} is compressed, which torch.save does not do; save it again`);
    let [size, header] = [uint32(position + 24), uint32(position + 42)];
    const extra = position + 46 + nameLength;
    for (let at = extra; at < extra + extraLength; at += 4 + uint16(at + 2)) {
      if (uint16(at) !== 1) continue;
      // 64-bit values, only of the fields that are full: size, stored size, place of the header.
      let field = at + 4;
      const wide = (value: number): number => (value === 0xffffffff ? uint64((field += 8) - 8) : value);
      [size, , header] = [wide(size), wide(uint32(position + 20)), wide(header)];
    }
    if (uint32(header) !== 0x04034b50) throw fail(cutOff);
    files.set(name, slice(header + 30 + uint16(header + 26) + uint16(header + 28), size));
    position = extra + extraLength + uint16(position + 32);
  }
  return files;
}

/**
 * The files of a tar archive.
 * @throws {DataError} when it is cut off
 * @see https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
export function readTar(bytes: Uint8Array, fail: Fail): Files {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to)).replace(/\0.*$/s, '');
  for (let position = 0; position + 512 <= bytes.length && bytes[position] !== 0;) {
    const size = parseInt(text(position + 124, position + 136), 8);
    const begin = position + 512;
    if (!(begin + size <= bytes.length)) throw fail('is a tar archive that is cut off or damaged; copy it again');
    files.set(text(position, position + 100), bytes.subarray(begin, begin + size));
    position = begin + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** Whether a file is a zip archive, or the beginning of one. */
export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** Whether a file is a tar archive. */
export const isTar = (bytes: Uint8Array): boolean => new TextDecoder().decode(bytes.subarray(257, 262)) === 'ustar';
