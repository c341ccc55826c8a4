import { ShapeError } from '../errors.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { apply1, axisOf, sameShape } from '../value.ts';
import { cast } from './elementwise.ts';
import { fill, reshape, transpose } from './shape.ts';

const integers = (indices: Value, who: string): void => {
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32')
    throw new ShapeError(who, `indices must be int64 or int32, got ${indices.dtype}`);
};

const gatherOp: PrimitiveOp<readonly [x: Value, indices: Value], { axis: number }> = {
  onnx: 'Gather',
  infer([x, indices], { axis }) {
    integers(indices, 'gather');
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
  },
  attributes: ({ axis }) => ({ axis }),
  vjp(dy, { inputs: [x, indices], attrs: { axis } }) {
    // The gathered axes go first, so that each index addresses one row.
    const gathered = [...indices.shape.keys()].map(i => axis + i);
    const rest = [...dy.shape.keys()].filter(i => !gathered.includes(i));
    const rows = reshape(transpose(dy, [...gathered, ...rest]), [-1, ...rest.map(i => dy.shape[i]!)]);
    const order = [axis, ...[...x.shape.keys()].filter(i => i !== axis)];
    const zeros = fill(
      0,
      order.map(i => x.shape[i]!),
      x.dtype,
    );
    const summed = scatterRows(zeros, reshape(indices, [-1]), rows);
    return [
      transpose(
        summed,
        order.map((_, i) => order.indexOf(i)),
      ),
      null,
    ];
  },
};

/** Slices of x along one axis: y[.., i.., ..] = x[.., indices[i..], ..]. Indices are int64 or int32, from 0. */
export const gather = (x: Value, indices: Value, axis = 0): Value =>
  apply1(gatherOp, [x, indices], { axis: axisOf(x, axis, 'gather') });

const scatterRowsOp: PrimitiveOp<readonly [x: Value, indices: Value, updates: Value], null> = {
  onnx: 'ScatterND',
  infer([x, indices, updates]) {
    integers(indices, 'scatterRows');
    if (indices.rank !== 1 || !sameShape(updates.shape, [indices.shape[0]!, ...x.shape.slice(1)]))
      throw new ShapeError(
        'scatterRows',
        `updates [${updates.shape}] must be one row of [${x.shape}] for each index of [${indices.shape}]`,
      );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  attributes: () => ({ reduction: 'add' }),
  // Unlike the other ops on indices, ScatterND takes no int32.
  operands: ([x, indices, updates]) => [x, cast(reshape(indices, [-1, 1]), 'int64'), updates],
  vjp: (dy, { inputs: [, indices] }) => [dy, null, gather(dy, indices, 0)],
};

/**
 * Adds rows to x: y = x, then y[indices[i]] += updates[i]; repeated indices add up.
 * @param indices - int64 or int32 [K]
 * @param updates - [K, …x.shape[1..]]
 */
export const scatterRows = (x: Value, indices: Value, updates: Value): Value =>
  apply1(scatterRowsOp, [x, indices, updates], null);

const gatherElementsOp: PrimitiveOp<readonly [x: Value, indices: Value], { axis: number }> = {
  onnx: 'GatherElements',
  infer([x, indices], { axis }) {
    integers(indices, 'gatherElements');
    if (indices.rank !== x.rank || indices.shape.some((n, i) => i !== axis && n > x.shape[i]!))
      throw new ShapeError(
        'gatherElements',
        `indices [${indices.shape}] do not fit into x [${x.shape}] along axis ${axis}`,
      );
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  attributes: ({ axis }) => ({ axis }),
  vjp: (dy, { inputs: [x, indices], attrs: { axis } }) => [
    scatterElements(fill(0, x.shape, x.dtype), indices, dy, axis),
    null,
  ],
};

/** One element per index: y[i, j, k] = x[i, indices[i, j, k], k] for axis 1, and so for every axis. */
export const gatherElements = (x: Value, indices: Value, axis: number): Value =>
  apply1(gatherElementsOp, [x, indices], { axis: axisOf(x, axis, 'gatherElements') });

const scatterElementsOp: PrimitiveOp<readonly [x: Value, indices: Value, updates: Value], { axis: number }> = {
  onnx: 'ScatterElements',
  infer([x, indices, updates]) {
    integers(indices, 'scatterElements');
    if (!sameShape(indices.shape, updates.shape) || indices.rank !== x.rank)
      throw new ShapeError(
        'scatterElements',
        `indices [${indices.shape}] and updates [${updates.shape}] must have one shape and the axes of x [${x.shape}]`,
      );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  attributes: ({ axis }) => ({ axis, reduction: 'add' }),
  vjp: (dy, { inputs: [, indices], attrs: { axis } }) => [dy, null, gatherElements(dy, indices, axis)],
};

/** The reverse of gatherElements: adds each update to the element its index names; repeated indices add up. */
export const scatterElements = (x: Value, indices: Value, updates: Value, axis: number): Value =>
  apply1(scatterElementsOp, [x, indices, updates], { axis: axisOf(x, axis, 'scatterElements') });
