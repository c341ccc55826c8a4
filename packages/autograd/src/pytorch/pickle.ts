import type { DataError } from '../errors.ts';

/**
 * What the names in a pickle stand for. A function is called where Python would call it; it only ever puts together
 * what the file holds. Nothing else of Python exists here, so that nothing in a file can be run.
 */
export interface PickleWorld {
  /** The functions and classes that may be named, as `module.name`. Every other one is refused. */
  readonly globals: ReadonlyMap<string, unknown>;
  /** The object that an id from outside the pickle stands for. */
  readonly persistent: (id: unknown) => unknown;
  readonly fail: (problem: string) => DataError;
}

/** What an allowed global does with its arguments. */
export type PickleFunction = (args: readonly unknown[]) => unknown;

/** The end of a file was reached in the middle of a pickle. */
const cutOff = 'is cut off in a pickle; copy it again';

/**
 * Reads one pickle of protocol 2 to 5, as far as PyTorch's checkpoints need it: numbers, texts, bytes, lists, tuples
 * (as arrays), dictionaries (as Maps), and calls of the allowed globals. State that is set on an object is dropped.
 *
 * @returns the value, and the position after the pickle
 * @throws {DataError} for every other instruction, and for every global that is not allowed
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  { globals, persistent, fail }: PickleWorld,
): { readonly value: unknown; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memo = new Map<number, unknown>();
  /** Stacks that wait for the objects above their mark. */
  const marked: unknown[][] = [];
  let stack: unknown[] = [];
  let position = start;

  /** Moves on, and gives where it was. */
  const take = (length: number): number => {
    if (position + length > bytes.length) throw fail(cutOff);
    position += length;
    return position - length;
  };
  const takeText = (length: number): string => {
    const begin = take(length);
    return new TextDecoder().decode(bytes.subarray(begin, begin + length));
  };
  const takeBytes = (length: number): Uint8Array => {
    const begin = take(length);
    return bytes.subarray(begin, begin + length);
  };
  const takeLine = (): string => {
    const end = bytes.indexOf(0x0a, position);
    if (end < 0) throw fail(cutOff);
    const line = takeText(end - position);
    take(1);
    return line;
  };
  const byte = (): number => view.getUint8(take(1));
  const uint32 = (): number => view.getUint32(take(4), true);
  const uint64 = (): number => Number(view.getBigUint64(take(8), true));

  const push = (value: unknown): void => void stack.push(value);
  const pop = (): unknown => {
    if (stack.length === 0) throw fail('its pickle is broken: an instruction has nothing to work on');
    return stack.pop();
  };
  const popTo = <T>(kind: string, is: (value: unknown) => value is T): T => {
    const value = pop();
    if (!is(value)) throw fail(`its pickle is broken: an instruction needs a ${kind}`);
    return value;
  };
  /** The objects above the last mark. */
  const popMarked = (): unknown[] => {
    const above = stack;
    const below = marked.pop();
    if (below === undefined) throw fail('its pickle is broken: a mark is missing');
    stack = below;
    return above;
  };
  /** The object below, which is added to and stays. */
  const target = <T>(kind: string, is: (value: unknown) => value is T): T => {
    const value = popTo(kind, is);
    push(value);
    return value;
  };
  const setItems = (items: readonly unknown[]): void => {
    const dictionary = target('dictionary', isMap);
    for (let i = 0; i + 1 < items.length; i += 2) dictionary.set(items[i], items[i + 1]);
  };
  const find = (name: string): unknown => {
    if (globals.has(name)) return globals.get(name);
    throw fail(
      `names ${name}, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict`,
    );
  };
  const call = (): unknown => {
    const args = popTo('tuple', isArray);
    return popTo('function', isFunction)(args);
  };
  const tuple = (length: number): unknown[] => Array.from({ length }, pop).reverse();

  for (;;) {
    const code = byte();
    switch (code) {
      case 0x80: // PROTO
        if (byte() > 5) throw fail('is a pickle of a protocol above 5');
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: position };

      case 0x4e: // NONE
        push(null);
        break;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        push(code === 0x88);
        break;
      case 0x4b: // BININT1
        push(byte());
        break;
      case 0x4d: // BININT2
        push(view.getUint16(take(2), true));
        break;
      case 0x4a: // BININT
        push(view.getInt32(take(4), true));
        break;
      case 0x8a: // LONG1
        push(wholeNumber(takeBytes(byte())));
        break;
      case 0x47: // BINFLOAT
        push(view.getFloat64(take(8), false));
        break;
      case 0x55: // SHORT_BINSTRING, a text of Python 2
      case 0x8c: // SHORT_BINUNICODE
        push(takeText(byte()));
        break;
      case 0x54: // BINSTRING, a text of Python 2
      case 0x58: // BINUNICODE
        push(takeText(uint32()));
        break;
      case 0x8d: // BINUNICODE8
        push(takeText(uint64()));
        break;
      case 0x43: // SHORT_BINBYTES
        push(takeBytes(byte()));
        break;
      case 0x42: // BINBYTES
        push(takeBytes(uint32()));
        break;

      case 0x28: // MARK
        marked.push(stack);
        stack = [];
        break;
      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
        push([]);
        break;
      case 0x7d: // EMPTY_DICT
        push(new Map());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        push(tuple(code - 0x84));
        break;
      case 0x74: // TUPLE
        push(popMarked());
        break;
      case 0x61: {
        // APPEND
        const item = pop();
        target('list', isArray).push(item);
        break;
      }
      case 0x65: {
        // APPENDS
        const items = popMarked();
        const list = target('list', isArray);
        for (const item of items) list.push(item);
        break;
      }
      case 0x73: // SETITEM
        setItems(tuple(2));
        break;
      case 0x75: // SETITEMS
        setItems(popMarked());
        break;

      case 0x94: // MEMOIZE
        memo.set(memo.size, stack.at(-1));
        break;
      case 0x71: // BINPUT
        memo.set(byte(), stack.at(-1));
        break;
      case 0x72: // LONG_BINPUT
        memo.set(uint32(), stack.at(-1));
        break;
      case 0x68: // BINGET
      case 0x6a: {
        // LONG_BINGET
        const key = code === 0x68 ? byte() : uint32();
        if (!memo.has(key)) throw fail(`its pickle is broken: it uses object ${key} before it is made`);
        push(memo.get(key));
        break;
      }

      case 0x63: {
        // GLOBAL
        const module = takeLine();
        push(find(`${module}.${takeLine()}`));
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = popTo('text', isText);
        push(find(`${popTo('text', isText)}.${name}`));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        push(call());
        break;
      case 0x62: // BUILD
        pop();
        break;
      case 0x51: // BINPERSID
        push(persistent(pop()));
        break;
      default:
        throw fail(`its pickle has the instruction 0x${code.toString(16)}, which no checkpoint needs`);
    }
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isArray = (value: unknown): value is unknown[] => Array.isArray(value);
const isMap = (value: unknown): value is Map<unknown, unknown> => value instanceof Map;
const isFunction = (value: unknown): value is PickleFunction => typeof value === 'function';

/** A whole number in two's complement, little-endian; a bigint where it is too large for a number. */
function wholeNumber(bytes: Uint8Array): number | bigint {
  const magnitude = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const value = BigInt.asIntN(8 * bytes.length, magnitude);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
