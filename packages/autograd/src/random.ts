/** Where a generator stands: with it the numbers go on exactly where they stopped. Plain JSON. */
export interface RandomState {
  readonly seed: string;
  readonly words: readonly [number, number, number, number];
}

/**
 * A seeded generator of random numbers: the same seed gives the same numbers on every machine.
 *
 * Small Fast Counter (sfc32), 128 bits of state, seeded by hashing the seed's text with MurmurHash3's mixing;
 * number and text of the same digits are the same seed.
 *
 * @see https://pracrand.sourceforge.net/RNG_engines.txt
 * @example
 * const random = new Random(1);
 * random.integer(0, 6) + 1; // a die
 * random.fork('validation').shuffle(samples); // independent of how many numbers were drawn before
 */
export class Random {
  private readonly seed: string;
  private readonly words: Int32Array;

  constructor(seed: number | string) {
    this.seed = String(seed);
    this.words = hash(this.seed);
    for (let i = 0; i < 12; i++) this.bits();
  }

  /** The generator that `toJSON` described. */
  static fromJSON(state: RandomState): Random {
    const random = new Random(state.seed);
    random.words.set(state.words);
    return random;
  }

  toJSON(): RandomState {
    return { seed: this.seed, words: [...this.words] as [number, number, number, number] };
  }

  /** A generator for one purpose: a function of this one's seed and of `key`, not of the numbers drawn so far. */
  fork(key: string | number): Random {
    return new Random(`${this.seed}/${key}`);
  }

  /** 32 random bits, as a number in [0, 2³²). */
  bits(): number {
    const { words } = this;
    const [a, b, c, counter] = [words[0]!, words[1]!, words[2]!, words[3]!];
    const sum = (a + b + counter) | 0;
    words[0] = b ^ (b >>> 9);
    words[1] = (c + (c << 3)) | 0;
    words[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    words[3] = (counter + 1) | 0;
    return sum >>> 0;
  }

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 2 ** 32);
  }

  /** A whole number in [low, high). */
  integer(low: number, high: number): number {
    if (!(high > low)) throw new RangeError(`Random: no whole number in [${low}, ${high})`);
    return Math.floor(this.uniform(low, high));
  }

  /** A normally distributed number (Box–Muller). */
  normal(mean = 0, standardDeviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + standardDeviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** One of `items`, each as likely as its weight; all alike without weights. */
  pick<T>(items: readonly T[], weights?: readonly number[]): T {
    if (weights === undefined) return items[this.integer(0, items.length)]!;
    let rest = this.uniform(
      0,
      weights.reduce((sum, weight) => sum + weight, 0),
    );
    const index = weights.findIndex(weight => (rest -= weight) < 0);
    return items[index === -1 ? weights.findLastIndex(weight => weight > 0) : index]!;
  }

  /** The items in random order (Fisher–Yates), as a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }
}

/** Four words from a text, each by its own pass of MurmurHash3's 32-bit mixing. */
function hash(text: string): Int32Array {
  const word = (salt: number) => {
    let h = salt ^ text.length;
    for (let i = 0; i < text.length; i++) {
      h = Math.imul(h ^ text.charCodeAt(i), 0xcc9e2d51);
      h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
    }
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) | 0;
  };
  return Int32Array.of(word(0x9e3779b9), word(0x243f6a88), word(0xb7e15162), 1);
}
