import type { Analyses, Entry, Listener, State } from './analyses.ts';
import { Listeners, isEnded, sizeOf } from './analyses.ts';
import type { Files, Job } from './queue.ts';
import type { Settings } from './settings.ts';

interface Kept {
  readonly entry: Entry;
  readonly job: Job | undefined;
  readonly files: Files;
  readonly isSeen: boolean;
}

/** Analyses in memory: nothing is written anywhere, and all is lost with the process. */
export class MemoryAnalyses implements Analyses {
  /** Those that ended come in the order in which they did. */
  private readonly kept = new Map<string, Kept>();
  private readonly listeners = new Listeners();
  private readonly settings: Pick<Settings, 'keepMs' | 'maxStoredBytes'>;
  private readonly timer = setInterval(() => this.sweep(), 30_000).unref();
  private bytes = 0;

  constructor(settings: Pick<Settings, 'keepMs' | 'maxStoredBytes'>) {
    this.settings = settings;
  }

  create(entry: Entry, job: Job): Promise<boolean> {
    this.sweep();
    if (this.kept.has(entry.id)) return Promise.resolve(false);
    this.kept.set(entry.id, { entry, job, files: {}, isSeen: false });
    return Promise.resolve(true);
  }

  find(id: string): Promise<Entry | undefined> {
    this.sweep();
    return Promise.resolve(this.kept.get(id)?.entry);
  }

  jobOf = (id: string): Promise<Job | undefined> => Promise.resolve(this.kept.get(id)?.job);

  set(id: string, state: State, files: Files = {}): Promise<void> {
    const kept = this.kept.get(id);
    if (kept === undefined) return Promise.resolve();
    const entry = { ...kept.entry, state };
    if (!isEnded(entry)) this.kept.set(id, { ...kept, entry });
    else {
      this.kept.delete(id);
      const expiresAt = Date.now() + this.settings.keepMs;
      this.kept.set(id, { ...kept, entry: { ...entry, expiresAt }, job: undefined, files });
      this.bytes += sizeOf(files);
      this.sweep();
    }
    this.listeners.tell(id, this.kept.get(id)?.entry);
    return Promise.resolve();
  }

  file = (id: string, name: string): Promise<Uint8Array | undefined> => Promise.resolve(this.kept.get(id)?.files[name]);

  delete(id: string): Promise<void> {
    this.drop(id);
    return Promise.resolve();
  }

  listen = (id: string, listener: Listener): (() => void) => this.listeners.add(id, listener);

  unfinished = (): Promise<readonly string[]> => Promise.resolve([]);

  see(id: string): void {
    const kept = this.kept.get(id);
    if (kept) this.kept.set(id, { ...kept, isSeen: true });
  }

  get unseen(): number {
    return [...this.kept.values()].filter(({ entry, isSeen }) => isEnded(entry) && !isSeen).length;
  }

  counts = (): { kept: number; bytes: number } => ({ kept: this.kept.size, bytes: this.bytes });

  close(): Promise<void> {
    clearInterval(this.timer);
    return Promise.resolve();
  }

  private drop(id: string): void {
    this.bytes -= sizeOf(this.kept.get(id)?.files ?? {});
    if (this.kept.delete(id)) this.listeners.tell(id, undefined);
  }

  /** Forgets what is too old, and the oldest of what is too much, but for the last. */
  private sweep(): void {
    const now = Date.now();
    const ended = [...this.kept.values()].map(({ entry }) => entry).filter(isEnded);
    for (const { id, expiresAt } of ended)
      if (expiresAt <= now || (this.bytes > this.settings.maxStoredBytes && id !== ended.at(-1)!.id)) this.drop(id);
  }
}
