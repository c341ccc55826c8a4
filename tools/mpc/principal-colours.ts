import { Random } from '@forgelens/autograd';

const iterations = 50;
/** Less of the first component's variance than this is rounding. */
const negligible = 1e-6;

/**
 * Features as colours: their three principal components as red, green and blue, each stretched so that two standard
 * deviations on either side of its mean fill 0 to 255.
 *
 * @param features - [C, P]
 * @returns [P · 3], 0–255
 */
export function principalColours(features: Float32Array, channels: number): Uint8Array {
  const pixels = features.length / channels;
  const centred = centre(features, channels, pixels);
  const covariance = covarianceOf(centred, channels, pixels);
  const colours = new Uint8ClampedArray(pixels * 3);
  const random = new Random('principal colours');
  let most = 0;
  for (let colour = 0; colour < 3; colour++) {
    const { direction, variance } = principal(covariance, channels, random);
    most ||= variance;
    const scale = variance > negligible * most ? 255 / (4 * Math.sqrt(variance)) : 0;
    for (let p = 0; p < pixels; p++) {
      let value = 0;
      for (let c = 0; c < channels; c++) value += direction[c]! * centred[c * pixels + p]!;
      colours[p * 3 + colour] = 127.5 + scale * value;
    }
    // What this direction explains is taken out, so that the next one is found.
    for (let i = 0; i < channels; i++)
      for (let j = 0; j < channels; j++) covariance[i * channels + j]! -= variance * direction[i]! * direction[j]!;
  }
  return new Uint8Array(colours.buffer);
}

function centre(features: Float32Array, channels: number, pixels: number): Float32Array {
  const centred = Float32Array.from(features);
  for (let c = 0; c < channels; c++) {
    const row = centred.subarray(c * pixels, (c + 1) * pixels);
    const mean = row.reduce((sum, x) => sum + x, 0) / pixels;
    for (let p = 0; p < pixels; p++) row[p]! -= mean;
  }
  return centred;
}

function covarianceOf(centred: Float32Array, channels: number, pixels: number): Float64Array {
  const covariance = new Float64Array(channels * channels);
  for (let i = 0; i < channels; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let p = 0; p < pixels; p++) sum += centred[i * pixels + p]! * centred[j * pixels + p]!;
      covariance[i * channels + j] = covariance[j * channels + i] = sum / pixels;
    }
  return covariance;
}

/** The direction of most variance, by power iteration. */
function principal(covariance: Float64Array, channels: number, random: Random) {
  let direction = Float64Array.from({ length: channels }, () => random.normal());
  let variance = 0;
  for (let step = 0; step < iterations; step++) {
    const turned = new Float64Array(channels);
    for (let i = 0; i < channels; i++)
      for (let j = 0; j < channels; j++) turned[i]! += covariance[i * channels + j]! * direction[j]!;
    variance = Math.hypot(...turned);
    if (variance === 0) break;
    direction = turned.map(x => x / variance);
  }
  return { direction, variance };
}
