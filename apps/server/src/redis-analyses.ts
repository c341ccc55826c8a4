import type { Redis } from 'ioredis';
import type { Analyses, Entry, Listener, State } from './analyses.ts';
import { Listeners, isEnded } from './analyses.ts';
import type { Files, Job } from './queue.ts';
import type { Settings } from './settings.ts';

/** Where all is: one hash for each analysis, and a channel that names the one that has changed. */
const keyOf = (id: string): string => `forgelens:analysis:${id}`;
const channel = 'forgelens:changed';

/** One that was accepted and never ends is forgotten after a day. */
const unfinishedMs = 24 * 3_600_000;

const create = `
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
  redis.call('HSET', KEYS[1], unpack(ARGV, 2))
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  return 1`;

/** Writes fields of one that is still there. The first argument is how long it is kept from now on, or nothing. */
const set = `
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], unpack(ARGV, 2))
  if ARGV[1] ~= '' then
    redis.call('HDEL', KEYS[1], 'job', 'picture')
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
  end
  return 1`;

/** Analyses in Redis, for several servers: each of them finds what any has done. */
export class RedisAnalyses implements Analyses {
  readonly unseen = 0;
  private readonly listeners = new Listeners();
  private readonly redis: Redis;
  /** A connection that listens can do nothing else. */
  private readonly subscriber: Redis;
  private readonly keepMs: number;

  private constructor(redis: Redis, { keepMs }: Pick<Settings, 'keepMs'>) {
    this.redis = redis;
    this.subscriber = redis.duplicate();
    this.keepMs = keepMs;
    this.subscriber.on('error', () => {}); // The other connection tells of it.
    this.subscriber.on('message', (_, id) => {
      if (this.listeners.has(id))
        this.find(id).then(
          entry => this.listeners.tell(id, entry),
          () => {},
        );
    });
  }

  static async open(redis: Redis, settings: Pick<Settings, 'keepMs'>): Promise<RedisAnalyses> {
    const analyses = new RedisAnalyses(redis, settings);
    await analyses.subscriber.subscribe(channel);
    return analyses;
  }

  async create({ state, expiresAt, ...entry }: Entry, { bytes, ...job }: Job): Promise<boolean> {
    const fields = { entry: JSON.stringify(entry), state: JSON.stringify(state), expiresAt, job: JSON.stringify(job) };
    const values = [...Object.entries(fields).flat(), 'picture', Buffer.from(bytes)];
    return (await this.redis.eval(create, 1, keyOf(entry.id), unfinishedMs, ...values)) === 1;
  }

  async find(id: string): Promise<Entry | undefined> {
    const [entry, state, expiresAt] = await this.redis.hmget(keyOf(id), 'entry', 'state', 'expiresAt');
    if (!entry || !state) return undefined;
    return {
      ...(JSON.parse(entry) as Omit<Entry, 'state' | 'expiresAt'>),
      state: JSON.parse(state) as State,
      expiresAt: Number(expiresAt),
    };
  }

  async jobOf(id: string): Promise<Job | undefined> {
    const [job, picture] = await this.redis.hmgetBuffer(keyOf(id), 'job', 'picture');
    if (!job || !picture) return undefined;
    return { ...(JSON.parse(job.toString()) as Omit<Job, 'bytes'>), bytes: picture };
  }

  async set(id: string, state: State, files: Files = {}): Promise<void> {
    const hasEnded = isEnded({ state } as Entry);
    const values: (string | number | Buffer)[] = ['state', JSON.stringify(state)];
    if (hasEnded) values.push('expiresAt', Date.now() + this.keepMs);
    for (const [name, bytes] of Object.entries(files)) values.push(`file:${name}`, Buffer.from(bytes));
    const isThere = await this.redis.eval(set, 1, keyOf(id), hasEnded ? this.keepMs : '', ...values);
    if (isThere === 1) await this.redis.publish(channel, id);
  }

  async file(id: string, name: string): Promise<Uint8Array | undefined> {
    return (await this.redis.hgetBuffer(keyOf(id), `file:${name}`)) ?? undefined;
  }

  async delete(id: string): Promise<void> {
    await this.redis.del(keyOf(id));
    await this.redis.publish(channel, id);
  }

  listen = (id: string, listener: Listener): (() => void) => this.listeners.add(id, listener);

  /** The queue in Redis knows them itself. */
  unfinished = (): Promise<readonly string[]> => Promise.resolve([]);

  see(): void {}

  /** Redis tells of its memory itself. */
  counts = (): null => null;

  close(): Promise<void> {
    this.subscriber.disconnect();
    return Promise.resolve();
  }
}
