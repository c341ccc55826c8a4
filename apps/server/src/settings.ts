/** What a server allows, and how long it waits. */
export interface Settings {
  /** Of one request's body. */
  readonly maxBytes: number;
  readonly maxPixels: number;
  readonly maxFrames: number;
  /** Jobs that may wait beside those that run; more are refused. */
  readonly maxWaiting: number;
  /** Worker processes: so many pictures are looked at at the same time. */
  readonly workers: number;
  /** How long one picture may take. */
  readonly maxJobMs: number;
  /** A worker that tells no progress for so long hangs. */
  readonly stallMs: number;
  /** A result that is there within this time is the answer to the request itself. */
  readonly quickMs: number;
  /** How long a result can be fetched. */
  readonly keepMs: number;
  /** All results together; the oldest go first. (In Redis it is Redis that has a limit.) */
  readonly maxStoredBytes: number;
  /** How long a closing server waits for jobs to end and for their results to be fetched. */
  readonly drainMs: number;
  /** Where there are any, each request needs one of them. */
  readonly apiKeys: readonly string[];
  /** A file of SQLite that keeps pictures that wait and results; null keeps them in memory. */
  readonly store: string | null;
  /** The URL of a Redis that several servers share, for pictures that wait and results. */
  readonly redis: string | null;
  /** A server that shares a Redis and has not been heard of for so long is lost; others do what it had begun. */
  readonly lostAfterMs: number;
  /** Whether pictures are fetched from URLs, and how long one may take. */
  readonly fetchUrls: boolean;
  readonly maxFetchMs: number;
}

export const defaultSettings: Settings = {
  maxBytes: 40e6,
  maxPixels: 50e6,
  maxFrames: 100,
  maxWaiting: 16,
  workers: 1,
  maxJobMs: 10 * 60_000,
  stallMs: 2 * 60_000,
  quickMs: 3000,
  keepMs: 15 * 60_000,
  maxStoredBytes: 512e6,
  drainMs: 60_000,
  apiKeys: [],
  store: null,
  redis: null,
  lostAfterMs: 20_000,
  fetchUrls: false,
  maxFetchMs: 20_000,
};
