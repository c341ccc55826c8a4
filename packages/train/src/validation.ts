import type { Shape } from '@forgelens/autograd';
import { build, input, sigmoid } from '@forgelens/autograd';
import type { Executable, Runtime, Tensors } from '@forgelens/autograd/runtime/node';
import type { Example, Sample } from '@forgelens/data';
import type { Image } from '@forgelens/imaging';
import { resizeImage, resizeMap, toTensor } from '@forgelens/imaging';
import { aucFromScores, countPixels, f1, mean } from '@forgelens/metrics';
import type { LocalizerNetwork } from '@forgelens/models';
import type { Weights } from '@forgelens/nn';
import { evaluation, namedParameters } from '@forgelens/nn';
import type { TrainConfig } from './config.ts';
import { cutAround, extendTo, readPair } from './pairs.ts';
import type { ValidationRecord } from './run-folder.ts';
import type { View } from './views.ts';

/** Shapes are rounded up to this, so that pictures of many sizes need few graphs. It suits every network we have. */
const sizeStep = 64;

/** How many of the tampered and of the authentic samples are shown. */
const [shownTampered, shownAuthentic] = [3, 1];

/** Measures weights on samples. Its graphs take the weights as inputs, so that they are compiled once per picture size. */
export class Validator {
  private readonly network: LocalizerNetwork;
  private readonly samples: readonly Sample[];
  private readonly config: TrainConfig;
  private readonly runtime: Runtime;
  private readonly executables = new Map<string, Executable>();
  /** The samples to look at: always the same ones. */
  private readonly shown: readonly Sample[];

  constructor(network: LocalizerNetwork, samples: readonly Sample[], config: TrainConfig, runtime: Runtime) {
    this.network = network;
    this.samples = samples;
    this.config = config;
    this.runtime = runtime;
    this.shown = [
      ...samples.filter(({ label }) => label === 1).slice(0, shownTampered),
      ...samples.filter(({ label }) => label === 0).slice(0, shownAuthentic),
    ];
  }

  /**
   * @param see - is given what there is to see of a few of the samples, which are counted from 0
   * @throws {DataError} when a picture cannot be read
   */
  async measure(
    weights: Weights,
    see: (view: View, i: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<Omit<ValidationRecord, 'kind' | 'step'>> {
    const started = performance.now();
    const scores: number[] = [];
    const aucs: number[] = [];
    const areas: number[] = [];
    for (const sample of this.samples) {
      const { image, mask } = await this.read(sample);
      const probabilities = await this.locate(image, weights);
      if (this.shown.includes(sample)) await see({ image, truth: mask, probabilities }, this.shown.indexOf(sample));
      const counts = countPixels(probabilities, mask.data, 0.5);
      const score = f1(counts);
      if (score === null) {
        areas.push(counts.fp / mask.data.length);
        continue;
      }
      scores.push(score);
      const auc = aucFromScores(probabilities, mask.data);
      if (auc !== null) aucs.push(auc);
    }
    return {
      f1: mean(scores),
      auc: mean(aucs),
      falseAlarmArea: mean(areas),
      tamperedImages: scores.length,
      authenticImages: areas.length,
      seconds: (performance.now() - started) / 1000,
    };
  }

  async close(): Promise<void> {
    for (const executable of this.executables.values()) await executable.close();
    this.executables.clear();
  }

  private async read(sample: Sample): Promise<Example> {
    const pair = await readPair(sample);
    return this.config.data.fit === 'resize' ? pair : cutAround(pair, this.config.validation.longestSide);
  }

  /** Probabilities of every pixel of the image, [H · W]. */
  private async locate(image: Image, weights: Weights): Promise<Float32Array> {
    const { width, height } = image;
    if (this.config.data.fit === 'resize') {
      const { size } = this.config;
      const map = await this.run(resizeImage(image, size, size), weights);
      return resizeMap(map, { width: size, height: size }, width, height);
    }
    const padded = extendTo(image, roundUp(width), roundUp(height));
    const map = await this.run(padded, weights);
    const part = new Float32Array(width * height);
    for (let y = 0; y < height; y++) part.set(map.subarray(y * padded.width, y * padded.width + width), y * width);
    return part;
  }

  private async run(image: Image, weights: Weights): Promise<Float32Array> {
    const tensor = toTensor([image]);
    const executable = await this.compiled(tensor.shape);
    const { probabilities } = await executable.run({ ...this.needed(weights), image: tensor });
    return probabilities!.data as Float32Array;
  }

  private needed(weights: Weights): Tensors {
    return Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [weightPrefix + name, tensor]));
  }

  private async compiled(shape: Shape): Promise<Executable> {
    const key = shape.join('×');
    const known = this.executables.get(key);
    if (known) return known;
    const image = input('float32', shape);
    const parameters = [...namedParameters(this.network)].map(([name, value]) => [weightPrefix + name, value] as const);
    const probabilities = sigmoid(this.network.forward(image, evaluation()).logits);
    const executable = await this.runtime.compile(
      build({ inputs: { image, ...Object.fromEntries(parameters) }, outputs: { probabilities } }),
    );
    this.executables.set(key, executable);
    return executable;
  }
}

const weightPrefix = 'weight.';

const roundUp = (n: number): number => Math.ceil(n / sizeStep) * sizeStep;
