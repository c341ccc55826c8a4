import { ShapeError } from '../errors.ts';
import { sizeOf } from '../tensor.ts';
import type { OnnxAttributes, PrimitiveOp } from '../value.ts';
import { Value, apply1, nchw } from '../value.ts';
import { add } from './elementwise.ts';
import { addBias, matmul, product } from './matmul.ts';
import { reduceSum } from './reduce.ts';
import { constantMatrix } from './resample.ts';
import { concat, fill, pad, reshape, slice, split, transpose, transposeLast } from './shape.ts';

export interface Conv2dAttrs {
  readonly stride: number;
  /** Zeros added on every side, or on [height, width]. */
  readonly padding: number | readonly [height: number, width: number];
  readonly dilation: number;
  readonly groups: number;
}

interface ConvTranspose2dAttrs extends Conv2dAttrs {
  /** The size of the result: a stride leaves `stride` possible ones. */
  readonly size: readonly [height: number, width: number];
}

const paddings = ({ padding }: Conv2dAttrs): readonly [number, number] =>
  typeof padding === 'number' ? [padding, padding] : padding;

/** How far a kernel of k taps reaches. */
const reach = (k: number, dilation: number): number => dilation * (k - 1) + 1;

function onnxAttributes(attrs: Conv2dAttrs, kernel: readonly [number, number]): OnnxAttributes {
  const [vertical, horizontal] = paddings(attrs);
  return {
    kernel_shape: kernel,
    strides: [attrs.stride, attrs.stride],
    pads: [vertical, horizontal, vertical, horizontal],
    dilations: [attrs.dilation, attrs.dilation],
    group: attrs.groups,
  };
}

const conv: PrimitiveOp<readonly [x: Value, w: Value], Conv2dAttrs> = {
  onnx: 'Conv',
  infer([x, w], a) {
    const [n, c, h, wd] = nchw(x, 'conv2d x');
    const [m, cg, kh, kw] = nchw(w, 'conv2d w');
    if (c !== cg * a.groups)
      throw new ShapeError(
        'conv2d',
        `x has ${c} channels (shape [${x.shape}]) but w expects ${cg * a.groups} (shape [${w.shape}], groups ${a.groups})`,
      );
    if (m % a.groups !== 0)
      throw new ShapeError(
        'conv2d',
        `the ${m} output channels of w (shape [${w.shape}]) are not divisible by ${a.groups} groups`,
      );
    const [vertical, horizontal] = paddings(a);
    const size = (extent: number, k: number, p: number) =>
      Math.floor((extent + 2 * p - reach(k, a.dilation)) / a.stride) + 1;
    const [oh, ow] = [size(h, kh, vertical), size(wd, kw, horizontal)];
    if (oh < 1 || ow < 1)
      throw new ShapeError(
        'conv2d',
        `x (shape [${x.shape}]) is smaller than the kernel (shape [${w.shape}], dilation ${a.dilation})`,
      );
    return [{ dtype: x.dtype, shape: [n, m, oh, ow] }];
  },
  attributes: (a, [, w]) => onnxAttributes(a, [w.shape[2]!, w.shape[3]!]),
  multiplyAdds: ({ inputs: [, w], y }) => sizeOf(y.shape) * sizeOf(w.shape.slice(1)),
  vjp: (dy, { inputs: [x, w], attrs: a }) => [inputGradient(dy, x, w, a), weightGradient(x, dy, w, a)],
};

/**
 * 2-D convolution (cross-correlation, as everywhere in deep learning).
 *
 * @param x - [N, C, H, W]; several stand for their concatenation along the channels, which then is never made
 * @param w - [M, C / groups, kH, kW]
 * @param bias - [M]
 * @returns [N, M, oH, oW] with oH = floor((H + 2·padding − dilation·(kH − 1) − 1) / stride) + 1
 * @throws {ShapeError} when x does not have w.shape[1] · groups channels, or is smaller than the kernel
 * @see https://onnx.ai/onnx/operators/onnx__Conv.html
 */
export function conv2d(x: Value | readonly Value[], w: Value, attrs: Partial<Conv2dAttrs> = {}, bias?: Value): Value {
  if (!(x instanceof Value)) return convOfParts(x, w, attrs, bias);
  const full = { stride: 1, padding: 0, dilation: 1, groups: 1, ...attrs };
  return bias ? apply1(convWithBias, [x, w, bias], full) : apply1(conv, [x, w], full);
}

/** A convolution adds up what it makes of each channel, so that each part can be convolved by itself. */
function convOfParts(xs: readonly Value[], w: Value, attrs: Partial<Conv2dAttrs>, bias?: Value): Value {
  const channels = xs.map(x => nchw(x, 'conv2d x')[1]);
  if ((attrs.groups ?? 1) !== 1 || channels.reduce((sum, c) => sum + c, 0) !== w.shape[1])
    throw new ShapeError(
      'conv2d',
      `parts of ${channels.join(' + ')} channels do not suit w (shape [${w.shape}], groups ${attrs.groups ?? 1})`,
    );
  const weights = split(w, 1, channels);
  return xs.map((x, i) => conv2d(x, weights[i]!, attrs, i === 0 ? bias : undefined)).reduce(add);
}

/** The bias goes into the same node: the runtime then adds it in the same pass. */
const convWithBias: PrimitiveOp<readonly [x: Value, w: Value, bias: Value], Conv2dAttrs> = {
  onnx: 'Conv',
  infer([x, w, bias], a) {
    if (bias.rank !== 1 || bias.shape[0] !== w.shape[0])
      throw new ShapeError(
        'conv2d',
        `bias [${bias.shape}] must be [${w.shape[0]}], one for each output channel of w [${w.shape}]`,
      );
    return conv.infer([x, w], a);
  },
  attributes: (a, [x, w]) => conv.attributes!(a, [x, w]),
  multiplyAdds: ({ inputs: [, w], y }) => sizeOf(y.shape) * sizeOf(w.shape.slice(1)),
  vjp: (dy, { inputs: [x, w], attrs: a }) => [
    inputGradient(dy, x, w, a),
    weightGradient(x, dy, w, a),
    reduceSum(dy, [0, 2, 3]),
  ],
};

const convTranspose: PrimitiveOp<readonly [x: Value, w: Value], ConvTranspose2dAttrs> = {
  onnx: 'ConvTranspose',
  infer([x, w], a) {
    const [n, c] = nchw(x, 'convTranspose2d x');
    const [wc, mg] = nchw(w, 'convTranspose2d w');
    if (c !== wc || c % a.groups !== 0)
      throw new ShapeError(
        'convTranspose2d',
        `x has ${c} channels (shape [${x.shape}]) but w expects ${wc} (shape [${w.shape}])`,
      );
    if (a.size.some(extent => extent < 1))
      throw new ShapeError(
        'convTranspose2d',
        `padding ${a.padding} leaves nothing of x (shape [${x.shape}]) with w (shape [${w.shape}])`,
      );
    const extra = outputPadding(x, w, a);
    if (extra.some(e => e < 0 || e >= a.stride))
      throw new ShapeError(
        'convTranspose2d',
        `size ${a.size} cannot come from x [${x.shape}] with stride ${a.stride} and w [${w.shape}]`,
      );
    return [{ dtype: x.dtype, shape: [n, mg * a.groups, ...a.size] }];
  },
  attributes: (a, [x, w]) => ({
    ...onnxAttributes(a, [w.shape[2]!, w.shape[3]!]),
    output_padding: outputPadding(x, w, a),
  }),
  multiplyAdds: ({ inputs: [x, w] }) => sizeOf(x.shape) * sizeOf(w.shape.slice(1)),
  vjp: (dy, { inputs: [x, w], attrs: a }) => [conv2d(dy, w, a), weightGradient(dy, x, w, a)],
};

function outputPadding(x: Value, w: Value, a: ConvTranspose2dAttrs): readonly [number, number] {
  const [vertical, horizontal] = paddings(a);
  const smallest = (n: number, k: number, p: number) => (n - 1) * a.stride - 2 * p + reach(k, a.dilation);
  return [
    a.size[0] - smallest(x.shape[2]!, w.shape[2]!, vertical),
    a.size[1] - smallest(x.shape[3]!, w.shape[3]!, horizontal),
  ];
}

/**
 * Transposed 2-D convolution: the gradient of conv2d in its input, as a layer.
 *
 * @param x - [N, C, H, W]
 * @param w - [C, M / groups, kH, kW]
 * @returns [N, M, oH, oW]; oH = (H − 1)·stride − 2·padding + dilation·(kH − 1) + 1 unless `size` asks for up to stride − 1 more
 * @throws {ShapeError} when the channels or the size do not fit
 * @see https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 */
export function convTranspose2d(x: Value, w: Value, attrs: Partial<ConvTranspose2dAttrs> = {}, bias?: Value): Value {
  const a = { stride: 1, padding: 0, dilation: 1, groups: 1, size: [0, 0] as const, ...attrs };
  const [extraH, extraW] = outputPadding(x, w, a);
  const y = apply1(convTranspose, [x, w], attrs.size ? a : { ...a, size: [-extraH, -extraW] });
  return bias ? addBias(y, bias, 1) : y;
}

/**
 * The gradient of conv2d in x. With stride 1 it is a convolution with the kernel turned by 180°, which the runtime
 * does two to five times faster than a transposed convolution.
 */
function inputGradient(dy: Value, x: Value, w: Value, a: Conv2dAttrs): Value {
  const [, c, h, wd] = nchw(x, 'conv2d x');
  const [m, , kh, kw] = nchw(w, 'conv2d w');
  const [vertical, horizontal] = paddings(a);
  const padding = [reach(kh, a.dilation) - 1 - vertical, reach(kw, a.dilation) - 1 - horizontal] as const;
  if (a.stride !== 1 || padding[0] < 0 || padding[1] < 0) return convTranspose2d(dy, w, { ...a, size: [h, wd] });
  return conv2d(dy, reshape(turned(w, a.groups), [c, m / a.groups, kh, kw]), { ...a, padding });
}

/** A kernel turned by 180°, with its input and output channels exchanged: [M, C/g, kH, kW] → [C, M/g, taps]. */
function turned(w: Value, groups: number): Value {
  const [m, cg, kh, kw] = nchw(w, 'conv2d w');
  const taps = kh * kw;
  // Without a last axis of 1, beside which ONNX Runtime transposes one number at a time.
  if (taps === 1) return transposeLast(reshape(w, [groups, m / groups, cg]));
  const backwards = Array.from({ length: taps }, (_, tap) => taps - 1 - tap);
  const byTap = withTaps(reshape(w, [m * cg, taps]), backwards);
  return transpose(reshape(byTap, [groups, m / groups, cg, taps]), [0, 2, 1, 3]);
}

/**
 * [.., taps] with the taps in another order: tap t of the result is tap order[t] of x. A matrix product with zeros and
 * ones does it in a third of the time of slices, transpositions or gathers, which move one number at a time.
 */
function withTaps(x: Value, order: readonly number[]): Value {
  const n = order.length;
  return n === 1
    ? x
    : matmul(
        x,
        constantMatrix(n, n, (from, to) => (order[to] === from ? 1 : 0)),
      );
}

/**
 * The gradient of conv2d in w: for each tap of the kernel, the correlation of dy with x as that tap saw it.
 * As matrix products, each added to that of the image before, it is two to eight times faster than as a convolution of x
 * with dy; grouped kernels, whose products would be tiny, take the convolution.
 */
function weightGradient(x: Value, dy: Value, w: Value, a: Conv2dAttrs): Value {
  if (a.groups > 1) return groupedWeightGradient(x, dy, w, a);
  const [n] = nchw(x, 'conv2d x');
  const [m, c, kh, kw] = nchw(w, 'conv2d w');
  const taps = kh * kw;
  if (taps === 1) return pointWeightGradient(x, dy, w, a);
  const { columns, seenBy } = a.stride === 1 ? alongRuns(x, dy, w, a) : alongTaps(x, dy, w, a);
  const byImage = Array.from({ length: n }, (_, image) => reshape(slice(columns, 0, image, image + 1), [m, -1]));
  const correlations = Array.from({ length: taps }, (_, tap) => {
    const seen = seenBy(Math.floor(tap / kw), tap % kw);
    return byImage.reduce<Value | undefined>((sum, dyi, image) => product(dyi, seen(image), sum), undefined)!;
  });
  const byTap = transposeLast(reshape(concat(correlations, 0), [taps, m * c]));
  return reshape(withTaps(byTap, [...Array(taps).keys()]), w.shape);
}

/** Of a kernel of one tap: the images stay together, since to part them would copy them for one product each. */
function pointWeightGradient(x: Value, dy: Value, w: Value, a: Conv2dAttrs): Value {
  const [n, c] = nchw(x, 'conv2d x');
  const [, m, oh, ow] = nchw(dy, 'conv2d dy');
  const [vertical, horizontal] = paddings(a);
  const seen = everyPlace(everyPlace(padded(x, vertical, horizontal), 2, 0, oh, a), 3, 0, ow, a);
  const each = matmul(reshape(dy, [n, m, oh * ow]), transposeLast(reshape(seen, [n, c, oh * ow])));
  // Summed by a product: ReduceSum takes three times as long along the first axis.
  return reshape(matmul(fill(1, [1, n], x.dtype), reshape(each, [n, m * c])), w.shape);
}

const padded = (x: Value, vertical: number, horizontal: number): Value =>
  pad(x, [
    [0, 0],
    [0, 0],
    [vertical, vertical],
    [horizontal, horizontal],
  ]);

/** Every stride-th place that a tap sees along one axis. */
const everyPlace = (x: Value, axis: 2 | 3, tap: number, places: number, { dilation, stride }: Conv2dAttrs): Value =>
  slice(x, axis, tap * dilation, tap * dilation + (places - 1) * stride + 1, stride);

/** What a weight's gradient correlates. */
interface Correlated {
  /** dy of every image: [N, M, places]. */
  readonly columns: Value;
  /** What the tap in row i and column j saw of an image, at the same places: [C, places]. */
  readonly seenBy: (i: number, j: number) => (image: number) => Value;
}

/**
 * With a stride of 1, on maps flattened to one axis, what a tap sees is one contiguous run. Rows are as wide as the padded
 * x; dy is zero where a run goes over the end of a row, and one row more lets the last run end within x.
 */
function alongRuns(x: Value, dy: Value, w: Value, a: Conv2dAttrs): Correlated {
  const [n, c] = nchw(x, 'conv2d x');
  const [, m, oh, ow] = nchw(dy, 'conv2d dy');
  const [, , , kw] = nchw(w, 'conv2d w');
  const [vertical, horizontal] = paddings(a);
  const wide = ow + (kw - 1) * a.dilation;
  const flat = reshape(
    pad(x, [
      [0, 0],
      [0, 0],
      [vertical, vertical + (kw > 1 ? 1 : 0)],
      [horizontal, horizontal],
    ]),
    [n, c, -1],
  );
  const images = Array.from({ length: n }, (_, image) => reshape(slice(flat, 0, image, image + 1), [c, -1]));
  const columns = pad(dy, [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, wide - ow],
  ]);
  return {
    columns: reshape(columns, [n, m, oh * wide]),
    seenBy(i, j) {
      const start = (i * wide + j) * a.dilation;
      return image => slice(images[image]!, 1, start, start + oh * wide);
    },
  };
}

/** With another stride, each tap's part of x is cut out by itself. */
function alongTaps(x: Value, dy: Value, w: Value, a: Conv2dAttrs): Correlated {
  const [n, c] = nchw(x, 'conv2d x');
  const [, m, oh, ow] = nchw(dy, 'conv2d dy');
  const [, , kh] = nchw(w, 'conv2d w');
  const [vertical, horizontal] = paddings(a);
  const whole = padded(x, vertical, horizontal);
  const rows = Array.from({ length: kh }, (_, i) => everyPlace(whole, 2, i, oh, a));
  return {
    columns: reshape(dy, [n, m, oh * ow]),
    seenBy(i, j) {
      const seen = everyPlace(rows[i]!, 3, j, ow, a);
      return image => reshape(slice(seen, 0, image, image + 1), [c, oh * ow]);
    },
  };
}

/** Batch and channel axes change places, stride and dilation change places, the groups stay groups. */
function groupedWeightGradient(x: Value, dy: Value, w: Value, a: Conv2dAttrs): Value {
  const [n, , h, wd] = nchw(x, 'conv2d x');
  const [, cg, kh, kw] = nchw(w, 'conv2d w');
  const [, m, oh, ow] = nchw(dy, 'conv2d dy');
  const swapped = { ...a, stride: a.dilation, dilation: a.stride };
  if (cg === 1 && m === a.groups) {
    // Depthwise: every image and channel is a group of its own; nothing needs to be transposed.
    const each = conv2d(reshape(x, [1, n * m, h, wd]), reshape(dy, [n * m, 1, oh, ow]), { ...swapped, groups: n * m });
    const [, , eh, ew] = nchw(each, 'conv2d dw');
    return reshape(reduceSum(slice(slice(reshape(each, [n, m, eh, ew]), 2, 0, kh), 3, 0, kw), [0]), w.shape);
  }
  const byGroup = transpose(reshape(x, [n, a.groups, cg, h, wd]), [2, 1, 0, 3, 4]);
  const dw = conv2d(reshape(byGroup, [cg, a.groups * n, h, wd]), transpose(dy, [1, 0, 2, 3]), swapped);
  // A stride may leave a border of x that w never saw.
  return transpose(slice(slice(dw, 2, 0, kh), 3, 0, kw), [1, 0, 2, 3]);
}
