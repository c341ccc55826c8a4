import type { Analyst, AnalystProgress, Findings } from './analyst.ts';
import type { Trouble } from './problem.ts';
import { describeTrouble } from './problem.ts';

export type Place = Analyst['place'];

/** What a page is given: files, and addresses of pictures that the server is to fetch. */
export type Given = File | URL;

/** One picture that was given, and how far it is. */
export interface Item {
  readonly id: number;
  readonly name: string;
  readonly given: Given;
  readonly place: Place;
  readonly state: State;
}

export type State =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running'; readonly startedAt: number; readonly progress: AnalystProgress | null }
  | { readonly kind: 'done'; readonly findings: Findings }
  | { readonly kind: 'failed'; readonly trouble: Trouble };

const nameOf = (given: Given): string =>
  given instanceof File ? given.name : given.pathname.split('/').at(-1) || given.hostname;

/** So many pictures are looked at at the same time: a server has a queue of its own, a browser has but itself. */
const atOnce: Readonly<Record<Place, number>> = { server: 2, browser: 1 };

/** The pictures that were given to the page, looked at in their order. Nothing of one reaches another. */
export class Pictures {
  items: readonly Item[] = [];
  private readonly analystOf: (place: Place) => Promise<Analyst>;
  private readonly changed: () => void;
  private readonly running = new Map<number, AbortController>();
  private nextId = 1;

  constructor(analystOf: (place: Place) => Promise<Analyst>, changed: () => void) {
    this.analystOf = analystOf;
    this.changed = changed;
  }

  /** Takes pictures, and gives what they became. */
  add(all: readonly Given[], place: Place): readonly Item[] {
    const state = { kind: 'waiting' } as const;
    const added = all.map(given => ({ id: this.nextId++, name: nameOf(given), given, place, state }));
    this.items = [...this.items, ...added];
    this.startNext();
    return added;
  }

  /** Forgets a picture, and ends what is being done with it. */
  remove(id: number): void {
    this.running.get(id)?.abort();
    this.running.delete(id);
    this.items = this.items.filter(item => item.id !== id);
    this.startNext();
  }

  /** Looks again at what failed. */
  retry(ids: readonly number[]): void {
    for (const id of ids) this.set(id, { kind: 'waiting' });
    this.startNext();
  }

  private set(id: number, state: State): void {
    this.items = this.items.map(item => (item.id === id ? { ...item, state } : item));
    this.changed();
  }

  private startNext(): void {
    for (const item of this.items) {
      const running = this.items.filter(({ id, place }) => this.running.has(id) && place === item.place).length;
      if (item.state.kind === 'waiting' && !this.running.has(item.id) && running < atOnce[item.place])
        void this.look(item);
    }
    this.changed();
  }

  private async look({ id, name, given, place }: Item): Promise<void> {
    const ending = new AbortController();
    const { signal } = ending;
    const startedAt = performance.now();
    const tell = (state: State) => {
      if (!signal.aborted) this.set(id, state);
    };
    this.running.set(id, ending);
    tell({ kind: 'running', startedAt, progress: null });
    try {
      const analyst = await this.analystOf(place);
      const picture =
        given instanceof File ? { name, bytes: new Uint8Array(await given.arrayBuffer()) } : { name, url: given.href };
      const progress = (progress: AnalystProgress) => tell({ kind: 'running', startedAt, progress });
      const findings = await analyst.analyze(picture, { signal, progress });
      this.running.delete(id);
      tell({ kind: 'done', findings });
    } catch (error) {
      this.running.delete(id);
      tell({ kind: 'failed', trouble: describeTrouble(error) });
    }
    this.startNext();
  }
}
