import { UsageError } from '@forgelens/autograd';

/** Whether a name is that of a part or of something in it: `encoder.0` has `encoder.0.conv1.weight`. */
export const isOfPart = (name: string, part: string): boolean => name === part || name.startsWith(`${part}.`);

/**
 * @param key - where the parts are named, for the error
 * @throws {UsageError} when no name is of one of the parts
 */
export function checkParts(key: string, parts: Iterable<string>, names: Iterable<string>): void {
  const all = [...names];
  for (const part of parts)
    if (!all.some(name => isOfPart(name, part))) {
      const known = new Set(all.map(name => name.split('.')[0]!));
      throw new UsageError(`${key}: the network has no part "${part}" (parts: ${[...known].join(', ')})`);
    }
}

/** Of the parts that a name is of, the one with the longest name; null when it is of none. */
export const partOf = (name: string, parts: Iterable<string>): string | null =>
  [...parts].reduce<string | null>(
    (found, part) => (isOfPart(name, part) && part.length > (found?.length ?? -1) ? part : found),
    null,
  );
