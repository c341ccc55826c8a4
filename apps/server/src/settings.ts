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
  /** All results together; the oldest go first. */
  readonly maxStoredBytes: number;
  /** How long a closing server waits for jobs to end and for their results to be fetched. */
  readonly drainMs: number;
  /** Where there are any, each request needs one of them. */
  readonly apiKeys: readonly string[];
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
};
