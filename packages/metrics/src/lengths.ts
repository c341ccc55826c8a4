import { ShapeError } from '@forgelens/autograd';

/** @throws {ShapeError} when the arrays that are given differ in length. */
export function checkLengths(who: string, arrays: Readonly<Record<string, ArrayLike<unknown> | undefined>>): void {
  const given = Object.entries(arrays).flatMap(([name, array]) => (array ? [{ name, length: array.length }] : []));
  const odd = given.find(({ length }) => length !== given[0]!.length);
  if (odd)
    throw new ShapeError(who, `${given[0]!.name} has ${given[0]!.length} elements but ${odd.name} has ${odd.length}`);
}
