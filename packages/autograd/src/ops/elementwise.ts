import { ShapeError } from '../errors.ts';
import type { DType, Shape, TensorType } from '../tensor.ts';
import { sizeOf } from '../tensor.ts';
import type { PrimitiveOp, Value } from '../value.ts';
import { apply1, camelCase, float, scalar } from '../value.ts';
import { reduceSum } from './reduce.ts';
import { reshape } from './shape.ts';

/**
 * The shape of two values combined elementwise: axes are matched from the last, and an extent of 1 stretches.
 * @throws {ShapeError} when two extents differ and neither is 1
 */
export function broadcastShapes(a: Shape, b: Shape, who: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const m = a[i - rank + a.length] ?? 1;
    const n = b[i - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) throw new ShapeError(who, `shapes [${a}] and [${b}] do not broadcast`);
    return m === 1 ? n : m;
  });
}

/** Undoes a broadcast in a gradient: sums dy over the axes along which `shape` was stretched. */
export function sumTo(dy: Value, shape: Shape): Value {
  const offset = dy.rank - shape.length;
  const axes = [...dy.shape.keys()].filter(i => i < offset || (shape[i - offset] === 1 && dy.shape[i] !== 1));
  return axes.length === 0 ? dy : reshape(reduceSum(dy, axes, { keepDims: true }), shape);
}

const sameDType = (a: Value, b: Value, who: string): DType => {
  if (a.dtype !== b.dtype) throw new ShapeError(who, `dtypes ${a.dtype} and ${b.dtype} differ; cast one of them`);
  return a.dtype;
};

const elementwiseTypes = (a: Value, b: Value, who: string): readonly TensorType[] => [
  { dtype: sameDType(a, b, who), shape: broadcastShapes(a.shape, b.shape, who) },
];

/** One output of x's type. */
const like = (x: Value): readonly TensorType[] => [{ dtype: x.dtype, shape: x.shape }];

function unary(onnx: string, gradient: ((dy: Value, x: Value, y: Value) => Value) | 'none') {
  const op: PrimitiveOp<readonly [x: Value], null> = {
    onnx,
    infer: ([x]) => like(x),
    vjp: gradient === 'none' ? 'none' : (dy, { inputs: [x], y }) => [gradient(dy, x, y)],
  };
  return (x: Value): Value => apply1(op, [x], null);
}

/**
 * x with as many axes as what it is combined with. ONNX Runtime takes one number at a time, and up to twenty times as
 * long, where it has to add axes beside a last one of 1, such as that of a 1×1 convolution's weights.
 */
const ofRank = (shape: Shape, x: Value): Value =>
  shape.at(-1) === 1 && shape.length > x.rank
    ? reshape(x, [...Array<number>(shape.length - x.rank).fill(1), ...x.shape])
    : x;

function binary(
  onnx: string,
  gradients: (dy: Value, a: Value, b: Value, y: Value) => readonly [() => Value, () => Value],
  again?: PrimitiveOp<readonly [a: Value, b: Value], null>['again'],
) {
  const op: PrimitiveOp<readonly [a: Value, b: Value], null> = {
    onnx,
    infer: ([a, b]) => elementwiseTypes(a, b, camelCase(onnx)),
    operands: ([a, b]) => [ofRank(b.shape, a), ofRank(a.shape, b)],
    vjp(dy, { inputs: [a, b], y }) {
      const [da, db] = gradients(dy, a, b, y);
      return [sumTo(da(), a.shape), sumTo(db(), b.shape)];
    },
    ...(again && { again }),
  };
  return (a: Value, b: Value): Value => apply1(op, [a, b], null);
}

function comparison(onnx: string) {
  const op: PrimitiveOp<readonly [a: Value, b: Value], null> = {
    onnx,
    infer: ([a, b]) => elementwiseTypes(a, b, camelCase(onnx)).map(({ shape }) => ({ dtype: 'bool', shape })),
    vjp: 'none',
  };
  return (a: Value, b: Value): Value => apply1(op, [a, b], null);
}

/** a + b, broadcasting. */
export const add = binary('Add', dy => [() => dy, () => dy]);
/** a − b, broadcasting. */
export const sub = binary('Sub', dy => [() => dy, () => neg(dy)]);
/** a · b elementwise, broadcasting. */
export const mul = binary(
  'Mul',
  (dy, a, b) => [() => mul(dy, b), () => mul(dy, a)],
  // An outer product is larger than both factors, which are kept anyway.
  ([a, b]) =>
    Math.max(sizeOf(a.shape), sizeOf(b.shape)) < sizeOf(broadcastShapes(a.shape, b.shape, 'mul')) ? mul(b, a) : null,
);
/** a / b elementwise, broadcasting. */
export const div = binary('Div', (dy, _a, b, y) => [() => div(dy, b), () => neg(div(mul(dy, y), b))]);
/** max(a, b) elementwise, broadcasting. The gradient of a tie goes to a. */
export const maximum = binary('Max', (dy, a, b) => [
  () => where(less(a, b), zero(dy), dy),
  () => where(less(a, b), dy, zero(dy)),
]);
/** min(a, b) elementwise, broadcasting. The gradient of a tie goes to a. */
export const minimum = binary('Min', (dy, a, b) => [
  () => where(greater(a, b), zero(dy), dy),
  () => where(greater(a, b), dy, zero(dy)),
]);

/** a > b elementwise, broadcasting, as bool. */
export const greater = comparison('Greater');
/** a ≥ b elementwise, broadcasting, as bool. */
export const greaterOrEqual = comparison('GreaterOrEqual');
/** a < b elementwise, broadcasting, as bool. */
export const less = comparison('Less');
/** a ≤ b elementwise, broadcasting, as bool. */
export const lessOrEqual = comparison('LessOrEqual');
/** a = b elementwise, broadcasting, as bool. */
export const equal = comparison('Equal');
/** a ∧ b of bools, broadcasting. */
export const and = comparison('And');
/** a ∨ b of bools, broadcasting. (ONNX's Or does not run on WebGPU.) */
export const or = comparison('Or');
/** ¬x of bools. */
export const not = unary('Not', 'none');

const whereOp: PrimitiveOp<readonly [condition: Value, a: Value, b: Value], null> = {
  onnx: 'Where',
  infer([condition, a, b]) {
    if (condition.dtype !== 'bool') throw new ShapeError('where', `condition must be bool, got ${condition.dtype}`);
    const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, 'where'), 'where');
    return [{ dtype: sameDType(a, b, 'where'), shape }];
  },
  vjp: (dy, { inputs: [condition, a, b] }) => [
    null,
    sumTo(where(condition, dy, zero(dy)), a.shape),
    sumTo(where(condition, zero(dy), dy), b.shape),
  ],
};

/** a where condition holds, else b; all three broadcast. */
export const where = (condition: Value, a: Value, b: Value): Value => apply1(whereOp, [condition, a, b], null);

const zero = (like: Value): Value => scalar(0, like.dtype);
const one = (like: Value): Value => scalar(1, like.dtype);

/** −x. */
export const neg = unary('Neg', dy => neg(dy));
/** eˣ. */
export const exp = unary('Exp', (dy, _x, y) => mul(dy, y));
/** The natural logarithm. */
export const log = unary('Log', (dy, x) => div(dy, x));
/** √x; the gradient at 0 is infinite. */
export const sqrt = unary('Sqrt', (dy, _x, y) => div(dy, add(y, y)));
/** 1 / x. */
export const reciprocal = unary('Reciprocal', (dy, _x, y) => neg(mul(dy, mul(y, y))));
/** |x|. The gradient at 0 is 0. */
export const abs = unary('Abs', (dy, x) => mul(dy, sign(x)));
/** sin x, x in radians. */
export const sin = unary('Sin', (dy, x) => mul(dy, cos(x)));
/** cos x, x in radians. */
export const cos = unary('Cos', (dy, x) => neg(mul(dy, sin(x))));
/** tanh x. */
export const tanh = unary('Tanh', (dy, _x, y) => mul(dy, sub(one(y), mul(y, y))));
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = unary('Sigmoid', (dy, _x, y) => mul(dy, mul(y, sub(one(y), y))));
const reluOp: PrimitiveOp<readonly [x: Value], null> = {
  onnx: 'Relu',
  infer: ([x]) => like(x),
  again: ([x], _attrs, { inputs }) => (x === inputs[0] ? null : relu(x)),
  // Told by y, so that x need not be kept for it.
  vjp: (dy, { y }) => [mul(dy, isPositive(y))],
};

/** max(x, 0). The gradient at 0 is 0. */
export const relu = (x: Value): Value => apply1(reluOp, [x], null);

const hardSigmoidOp: PrimitiveOp<readonly [x: Value], { slope: number }> = {
  onnx: 'HardSigmoid',
  infer: ([x]) => like(x),
  attributes: ({ slope }) => ({ alpha: float(slope), beta: float(0) }),
  vjp: 'none',
};

/**
 * 1 where x > 0, else 0, as numbers: a slope so steep that only what is below 1e-20 lies on it. A third of the time of a
 * choice between dy and zero.
 */
const isPositive = (x: Value): Value =>
  x.dtype === 'float32' ? apply1(hardSigmoidOp, [x], { slope: 1e20 }) : cast(greater(x, zero(x)), x.dtype);

/** The error function. */
export const erf = unary('Erf', (dy, x) => mul(dy, mul(scalar(2 / Math.sqrt(Math.PI), x.dtype), exp(neg(mul(x, x))))));
/** ln(1 + eˣ), without overflow. */
export const softplus = unary('Softplus', (dy, x) => mul(dy, sigmoid(x)));
/** The largest whole number not above x. It has no gradient. */
export const floor = unary('Floor', 'none');
/** x as it is, with no gradient. */
export const stopGradient = unary('Identity', 'none');

/** −1, 0 or 1. It has no gradient. (ONNX's Sign does not run on WebGPU.) */
export const sign = (x: Value): Value => sub(cast(greater(x, zero(x)), x.dtype), cast(less(x, zero(x)), x.dtype));

/** x². */
export const square = (x: Value): Value => mul(x, x);

/** Φ(x), the probability that a standard normal number is at most x. */
const normalDistribution = (x: Value): Value =>
  add(mul(erf(mul(x, scalar(Math.SQRT1_2, x.dtype))), scalar(0.5, x.dtype)), scalar(0.5, x.dtype));

const geluOp: PrimitiveOp<readonly [x: Value], null> = {
  onnx: 'Gelu',
  infer: ([x]) => like(x),
  again: ([x]) => mul(x, normalDistribution(x)),
  // d/dx x·Φ(x) = Φ(x) + x·φ(x)
  vjp(dy, { inputs: [x] }) {
    const density = exp(add(mul(mul(x, x), scalar(-0.5, x.dtype)), scalar(-Math.log(Math.sqrt(2 * Math.PI)), x.dtype)));
    return [mul(dy, add(normalDistribution(x), mul(x, density)))];
  },
};

/** x · Φ(x), Φ the standard normal distribution function: the exact (erf) GELU. Hendrycks and Gimpel 2016. */
export const gelu = (x: Value): Value => apply1(geluOp, [x], null);

const leakyReluOp: PrimitiveOp<readonly [x: Value], { slope: number }> = {
  onnx: 'LeakyRelu',
  infer: ([x]) => like(x),
  attributes: ({ slope }) => ({ alpha: float(slope) }),
  vjp: (dy, { inputs: [x], attrs }) => [where(greater(x, zero(x)), dy, mul(dy, scalar(attrs.slope, x.dtype)))],
};

/** x where x > 0, else slope · x. */
export const leakyRelu = (x: Value, slope = 0.01): Value => apply1(leakyReluOp, [x], { slope });

const powOp: PrimitiveOp<readonly [x: Value], { exponent: number }> = {
  onnx: 'Pow',
  infer: ([x]) => like(x),
  operands: ([x], { exponent }) => [x, scalar(exponent, x.dtype)],
  vjp: (dy, { inputs: [x], attrs: { exponent } }) => [mul(dy, mul(scalar(exponent, x.dtype), pow(x, exponent - 1)))],
};

/** x to a fixed power; x must be positive where the exponent is not whole. */
export function pow(x: Value, exponent: number): Value {
  if (exponent === 0) return add(mul(x, zero(x)), one(x));
  if (exponent === 1) return x;
  if (exponent === 2) return square(x);
  return apply1(powOp, [x], { exponent });
}

const clampOp: PrimitiveOp<readonly [x: Value], { min: number; max: number }> = {
  onnx: 'Clip',
  infer: ([x]) => like(x),
  operands: ([x], { min, max }) => [x, scalar(min, x.dtype), scalar(max, x.dtype)],
  vjp: (dy, { inputs: [x], attrs: { min, max } }) => [
    where(and(greaterOrEqual(x, scalar(min, x.dtype)), lessOrEqual(x, scalar(max, x.dtype))), dy, zero(dy)),
  ],
};

/** x kept within [min, max]. The gradient is 0 outside. */
export const clamp = (x: Value, min: number, max: number): Value => apply1(clampOp, [x], { min, max });

/** ONNX's numbers for element types, as in TensorProto.DataType. */
export const onnxDTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;

const castOp: PrimitiveOp<readonly [x: Value], { dtype: DType }> = {
  onnx: 'Cast',
  infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  attributes: ({ dtype }) => ({ to: onnxDTypes[dtype] }),
  vjp: (dy, { inputs: [x] }) => [/^float/.test(x.dtype) ? cast(dy, x.dtype) : null],
};

/** x with another dtype; floating-point numbers are cut towards zero when they become whole. */
export const cast = (x: Value, dtype: DType): Value => (x.dtype === dtype ? x : apply1(castOp, [x], { dtype }));
