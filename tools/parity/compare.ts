/** Collects comparisons by kind, keeps the worst of each, and says whether all held. */

export interface Statistics {
  readonly shape?: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly l2: number;
  readonly first8: readonly number[];
  readonly mid8: readonly number[];
  readonly noise?: number;
}

interface Kind {
  compared: number;
  failed: number;
  /** How much of its tolerance the worst comparison used; above 1 is a failure. */
  worst: number;
  worstText: string;
}

export class Report {
  private readonly kinds = new Map<string, Kind>();
  private readonly problems: string[] = [];

  /** One number against its reference. */
  number(kind: string, what: string, actual: number, expected: number, tolerance: number): void {
    const used = Math.abs(actual - expected) / tolerance;
    this.add(
      kind,
      `${what}: ${actual} against ${expected} (tolerance ${tolerance.toExponential(1)})`,
      Number.isNaN(used) ? Infinity : used,
    );
  }

  /** Something that must be exactly so. */
  exact(kind: string, what: string, actual: unknown, expected: unknown): void {
    const same = JSON.stringify(actual) === JSON.stringify(expected);
    this.add(kind, `${what}: ${JSON.stringify(actual)} against ${JSON.stringify(expected)}`, same ? 0 : Infinity);
  }

  /** A whole tensor by the statistics of its reference; the tolerance is relative to the tensor's spread. */
  statistics(kind: string, what: string, data: Float32Array, expected: Statistics, relative: number): void {
    const actual = statisticsOf(data);
    const scale = Math.max(expected.std, Math.abs(expected.mean), 1e-3);
    const tolerance = relative * scale;
    const pairs: [string, number, number, number][] = [
      ['mean', actual.mean, expected.mean, tolerance],
      ['std', actual.std, expected.std, tolerance],
      ['l2', actual.l2, expected.l2, relative * Math.max(expected.l2, 1e-6)],
      ...actual.first8
        .slice(0, expected.first8.length)
        .map((v, i): [string, number, number, number] => [`element ${i}`, v, expected.first8[i]!, 5 * tolerance]),
      ...actual.mid8
        .slice(0, expected.mid8.length)
        .map((v, i): [string, number, number, number] => [`middle ${i}`, v, expected.mid8[i]!, 5 * tolerance]),
    ];
    let worst = pairs[0]!;
    for (const pair of pairs) if (used(pair) > used(worst)) worst = pair;
    this.add(
      kind,
      `${what} ${worst[0]}: ${worst[1]} against ${worst[2]} (tolerance ${worst[3].toExponential(1)})`,
      used(worst),
    );
  }

  private add(kind: string, text: string, used: number): void {
    const entry = this.kinds.get(kind) ?? { compared: 0, failed: 0, worst: -1, worstText: '' };
    entry.compared++;
    if (!(used <= 1)) {
      entry.failed++;
      this.problems.push(`${kind}: ${text}`);
    }
    if (used > entry.worst) [entry.worst, entry.worstText] = [used, text];
    this.kinds.set(kind, entry);
  }

  get held(): boolean {
    return this.problems.length === 0;
  }

  toString(): string {
    const lines = [...this.kinds].map(
      ([kind, { compared, failed, worst, worstText }]) =>
        `${failed === 0 ? 'ok  ' : 'FAIL'} ${kind.padEnd(28)} ${String(compared).padStart(4)} compared, ${failed} outside; worst used ${(100 * worst).toFixed(1)} % of its tolerance\n     ${worstText}`,
    );
    const shown = this.problems.slice(0, 20).map(problem => `     ${problem}`);
    const more = this.problems.length > shown.length ? [`     … and ${this.problems.length - shown.length} more`] : [];
    return [...lines, ...(shown.length > 0 ? ['Outside tolerance:', ...shown, ...more] : [])].join('\n');
  }
}

const used = ([, actual, expected, tolerance]: readonly [string, number, number, number]): number => {
  const value = Math.abs(actual - expected) / tolerance;
  return Number.isNaN(value) ? Infinity : value;
};

function statisticsOf(data: Float32Array): Statistics {
  const n = data.length;
  let [sum, squares] = [0, 0];
  for (const v of data) {
    sum += v;
    squares += v * v;
  }
  const mean = sum / n;
  const middle = Array.from({ length: 8 }, (_, k) => data[Math.floor(((k + 0.5) * n) / 8)]!);
  return {
    mean,
    std: Math.sqrt(Math.max(0, squares / n - mean * mean)),
    l2: Math.sqrt(squares),
    first8: [...data.slice(0, 8)],
    mid8: middle,
  };
}
