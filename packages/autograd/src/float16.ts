/** Half-precision numbers (IEEE 754 binary16) as their bit patterns, which is how a float16 tensor holds them. */

/** The float16 nearest to x, ties to even; beyond 65504 it becomes infinite. */
export function toFloat16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return sign | 0x7c00;
  // float16 numbers near x are 2^(exponent − 10) apart; those below 2^−14 are as far apart as those just above.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  // Doubles from 2^52 on are whole, so that this sum is rounded to even by the machine.
  const steps = magnitude * 2 ** (10 - exponent) + 2 ** 52 - 2 ** 52;
  return sign | (((exponent + 14) << 10) + steps);
}

/** The number that 16 bits stand for. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

let everyFloat16: Float32Array | null = null;

/** The float32 numbers that float16 bit patterns stand for, exactly. */
export function fromFloat16(bits: Uint16Array): Float32Array {
  const table = (everyFloat16 ??= Float32Array.from({ length: 65536 }, (_, pattern) => fromFloat16Bits(pattern)));
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) numbers[i] = table[bits[i]!]!;
  return numbers;
}

/** The float32 numbers that bfloat16 bit patterns stand for: a bfloat16 is the upper half of a float32. */
export const fromBfloat16 = (bits: Uint16Array): Float32Array =>
  new Float32Array(Uint32Array.from(bits, half => half << 16).buffer);
