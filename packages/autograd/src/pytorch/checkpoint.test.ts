import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../errors.ts';
import { float32, int64, Tensor } from '../tensor.ts';
import { readPytorch, StoredTensor } from './checkpoint.ts';

const generator = 'made by tools/golden/pytorch.py';
const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const read = (name: string) => readPytorch(fixture(name), name) as ReadonlyMap<string, unknown>;
const tensorsOf = (saved: unknown): Record<string, Tensor> =>
  Object.fromEntries([...(saved as ReadonlyMap<string, StoredTensor>)].map(([name, stored]) => [name, stored.read()]));

const message = (bytes: Uint8Array, name = 'a.pth'): string => {
  try {
    readPytorch(bytes, name);
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe.each(['zip.pth', 'legacy.pth', 'protocol4.pth'])('%s', name => {
  const saved = read(name);

  test('its tensors are what PyTorch saved', () => {
    expect(tensorsOf(saved.get('state_dict')), generator).toEqual({
      float32: float32([3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
      transposed: float32([4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
      every_other: int64([2, 2, 2], [1, 2, 9, 10, 13, 14, 21, 22]),
      first_row: float32([4], [0, 1, 2, 3]),
      last_row: float32([4], [8, 9, 10, 11]),
      expanded: float32([2, 3], [5, 5, 5, 5, 5, 5]),
      float16: new Tensor('float16', [2], Uint16Array.of(0xbe00, 0x7bff)),
      bfloat16: float32([1, 2], [-1.5, 3]),
      float64: new Tensor('float64', [1], Float64Array.of(0.1)),
      int64: new Tensor('int64', [], BigInt64Array.of(2n ** 53n + 1n)),
      int32: new Tensor('int32', [1], Int32Array.of(-7)),
      uint8: new Tensor('uint8', [1], Uint8Array.of(200)),
      bool: new Tensor('bool', [2], Uint8Array.of(1, 0)),
      empty: float32([0, 3], []),
      parameter: float32([2], [1, 1]),
    });
  });

  test('their types are known before they are read', () => {
    for (const stored of (saved.get('state_dict') as ReadonlyMap<string, StoredTensor>).values())
      expect(stored).toMatchObject({ dtype: stored.read().dtype, shape: stored.read().shape });
  });

  test('what trainings save beside the weights is read, and arguments and scalars of NumPy are left out', () => {
    expect(saved.get('epoch')).toBe(7);
    expect(saved.get('large')).toEqual([2 ** 40, -(2n ** 80n), 0.25, true, null, 'ü']);
    expect(saved.get('best')).toBeNull();
    expect(saved.get('args')).toBeNull();
    expect(saved.get('history')).toEqual(new Map([['f1', new Map([[1, 0.5]])]]));
    const optimizer = saved.get('optimizer') as ReadonlyMap<string, unknown>;
    expect((optimizer.get('param_groups') as ReadonlyMap<string, unknown>[])[0]!.get('lr')).toBe(0.5);
  });
});

test('a tar archive of 2016 is read too', () => {
  expect(tensorsOf(read('tar.pth')), generator).toEqual({
    weight: float32([2, 3], [0, 1, 2, 3, 4, 5]),
    rows: int64([2, 2], [1, 2, 3, 4]),
  });
});

test('tensors of a zip archive are views of it', () => {
  const bytes = fixture('zip.pth');
  const saved = readPytorch(bytes) as ReadonlyMap<string, ReadonlyMap<string, StoredTensor>>;
  expect(saved.get('state_dict')!.get('float32')!.read().data.buffer).toBe(bytes.buffer);
});

test('a file that wants to run something is refused, and nothing is run', () => {
  const refused = ['os-system.pth', 'os-system-legacy.pth', 'eval.pth', 'module.pth', 'int16.pth'];
  expect(refused.map(name => message(fixture(name), name))).toMatchInlineSnapshot(`
    [
      "os-system.pth: names posix.system, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict",
      "os-system-legacy.pth: names posix.system, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict",
      "eval.pth: names builtins.eval, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict",
      "module.pth: names torch.nn.modules.linear.Linear, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict",
      "int16.pth: names torch.ShortStorage, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict",
    ]
  `);
});

test('what is no checkpoint is refused with its path', () => {
  const [zip, legacy, tar] = [fixture('zip.pth'), fixture('legacy.pth'), fixture('tar.pth')];
  const text = (bytes: Buffer) => bytes.toString('latin1');
  const file = (latin1: string) => Buffer.from(latin1, 'latin1');
  /** Keys of storages in the old format are addresses in memory, new with each saving. */
  const refused = (bytes: Uint8Array) => message(bytes).replace(/\b\d{5,}/, '<key>');
  const pickle = (instructions: string) => refused(file(`\x80\x02${instructions}`));
  const named = (module: string, name: string) => `c${module}\n${name}\n`;
  expect({
    empty: refused(file('')),
    textPickle: refused(file('cos\nsystem\n(S"touch x"\ntR.')),
    zipCut: refused(zip.subarray(0, 3000)),
    zipEndCut: refused(zip.subarray(0, -1)),
    zipDamaged: refused(file(text(zip).replaceAll('PK\x01\x02', 'PK\x01\x03'))),
    zipCompressed: refused(fixture('compressed.pth')),
    zipBigEndian: refused(fixture('big-endian.pth')),
    zipOfOthers: refused(file(text(zip).replaceAll('data.pkl', 'data.txt'))),
    zipWithoutStorage: refused(file(text(zip).replaceAll('archive/data/0', 'archive/data/x'))),
    outside: refused(fixture('outside.pth')),
    legacyCut: refused(legacy.subarray(0, 400)),
    legacyStorageCut: refused(legacy.subarray(0, -1)),
    legacyBigEndian: refused(file(text(legacy).replace(/(little_endian..)\x88/s, '$1\x89'))),
    legacyView: refused(file(text(legacy).replace(/N(tq.Q)/s, '\x88$1'))),
    legacyKeys: refused(file(text(legacy).replace(/^(.*X.\0{3})\d/s, '$1x'))),
    tarCut: refused(tar.subarray(0, 700)),
    tarDamaged: refused(file(text(tar).replace(/(storages\0.{115})\d/s, '$17'))),
    tarRecords: refused(file(text(tar).replace('\x80\x02K\x02.', '\x80\x02K\x09.'))),
    tarNumbers: refused(file(text(tar).replace(/(FloatTensor\nq.\x87q.\.)./s, '$1\x7f'))),
    tarNames: refused(file(text(tar).replace(/K.Q/s, 'K\x09Q'))),
    tarOfOthers: refused(file(text(tar).replace('storages', 'storage_'))),
    otherPickle: pickle('K\x01.K\x02.N.N.N.'),
    protocol: refused(file('\x80\x06')),
    instruction: pickle('0.'),
    mark: pickle('t.'),
    nothing: pickle('.'),
    kind: pickle('NK\x01K\x02s.'),
    memory: pickle('h\x05.'),
    persistent: pickle('NQ.'),
    tensor: pickle(`${named('torch._utils', '_rebuild_tensor_v2')})R.`),
    dictionary: pickle(`${named('collections', 'OrderedDict')}K\x01\x85R.`),
  }).toMatchInlineSnapshot(`
    {
      "dictionary": "a.pth: its pickle is broken: a dictionary has no pairs",
      "empty": "a.pth: is no checkpoint of PyTorch: neither a zip archive, nor a binary pickle, nor a tar archive",
      "instruction": "a.pth: its pickle has the instruction 0x30, which no checkpoint needs",
      "kind": "a.pth: its pickle is broken: an instruction needs a dictionary",
      "legacyBigEndian": "a.pth: is from a big-endian machine; save it again on another one",
      "legacyCut": "a.pth: is cut off in a pickle; copy it again",
      "legacyKeys": "a.pth: is damaged: the storages that follow are not those of its tensors; copy it again",
      "legacyStorageCut": "a.pth: is cut off or damaged in its storage <key>; copy it again",
      "legacyView": "a.pth: its storage <key> is a view of another, as only PyTorch before 0.4 wrote; save it again",
      "mark": "a.pth: its pickle is broken: a mark is missing",
      "memory": "a.pth: its pickle is broken: it uses object 5 before it is made",
      "nothing": "a.pth: its pickle is broken: an instruction has nothing to work on",
      "otherPickle": "a.pth: is a pickle, but not one that torch.save has written",
      "outside": "a.pth: a tensor [2,2] with strides [2,1] is not within its storage of 4 elements",
      "persistent": "a.pth: its pickle is broken: an id from outside is not of a storage",
      "protocol": "a.pth: is a pickle of a protocol above 5",
      "tarCut": "a.pth: is a tar archive without tensors, so torch.save has not written it",
      "tarDamaged": "a.pth: is a tar archive that is cut off or damaged; copy it again",
      "tarNames": "a.pth: is a tar archive that is cut off or damaged in its file pickle; copy it again",
      "tarNumbers": "a.pth: is a tar archive that is cut off or damaged in its file tensors; copy it again",
      "tarOfOthers": "a.pth: is a tar archive without storages, so torch.save has not written it",
      "tarRecords": "a.pth: is a tar archive that is cut off or damaged in its file storages; copy it again",
      "tensor": "a.pth: its pickle is broken: a tensor needs a storage, an offset, a shape and strides",
      "textPickle": "a.pth: is no checkpoint of PyTorch: neither a zip archive, nor a binary pickle, nor a tar archive",
      "zipBigEndian": "a.pth: is from a big-endian machine; save it again on another one",
      "zipCompressed": "a.pth: is a zip archive in which archive/data.pkl is compressed, which torch.save does not do; save it again",
      "zipCut": "a.pth: is a zip archive that is cut off or damaged; copy it again",
      "zipDamaged": "a.pth: is a zip archive that is cut off or damaged; copy it again",
      "zipEndCut": "a.pth: is a zip archive that is cut off or damaged; copy it again",
      "zipOfOthers": "a.pth: is a zip archive without data.pkl, so torch.save has not written it",
      "zipWithoutStorage": "a.pth: its storage 0 has no bytes, not 4; copy it again",
    }
  `);
});

test('no cut or changed file gives anything but a value or a DataError', () => {
  for (const name of ['zip.pth', 'legacy.pth', 'tar.pth', 'protocol4.pth']) {
    const good = fixture(name);
    const tolerates = (bytes: Uint8Array) => {
      try {
        const saved = readPytorch(bytes);
        if (saved instanceof Map)
          for (const value of saved.values()) if (value instanceof StoredTensor && value.shape.length < 3) value.read();
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    };
    fc.assert(fc.property(fc.nat(good.length - 1), length => tolerates(good.subarray(0, length))));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (position, byte) =>
        tolerates(good.map((b, i) => (i === position ? byte : b))),
      ),
      { numRuns: 300 },
    );
  }
});
