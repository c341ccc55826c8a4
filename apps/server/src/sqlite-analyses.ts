import { existsSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { UsageError } from '@forgelens/autograd';
import sqlite from 'node-sqlite3-wasm';
import type { Analyses, Entry, Listener, State } from './analyses.ts';
import { Listeners, isEnded, sizeOf } from './analyses.ts';
import type { Files, Job } from './queue.ts';
import type { Settings } from './settings.ts';

/** Of the tables below; a file of another one is refused. */
const version = 1;

const tables = `
  CREATE TABLE IF NOT EXISTS analyses (
    id TEXT PRIMARY KEY, entry TEXT NOT NULL, bytes INTEGER NOT NULL DEFAULT 0,
    expiresAt INTEGER,                        -- null until it has ended
    job TEXT, picture BLOB                    -- null once it has ended
  );
  CREATE INDEX IF NOT EXISTS analysesByEnd ON analyses (expiresAt);
  CREATE TABLE IF NOT EXISTS files (
    id TEXT NOT NULL REFERENCES analyses ON DELETE CASCADE, name TEXT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (id, name)
  );
  PRAGMA user_version = ${version};`;

/**
 * Analyses in a file of SQLite, for one server. They are there again after a restart, and what had been accepted and not
 * done is done then.
 */
export class SqliteAnalyses implements Analyses {
  readonly unseen = 0;
  private readonly listeners = new Listeners();
  private readonly db: sqlite.Database;
  private readonly filePath: string;
  private readonly settings: Pick<Settings, 'keepMs' | 'maxStoredBytes'>;
  private readonly timer = setInterval(() => this.sweep(), 30_000).unref();

  /** @throws {UsageError} when the file is not one of this program, or another server has it open */
  constructor(file: string, settings: Pick<Settings, 'keepMs' | 'maxStoredBytes'>) {
    this.settings = settings;
    this.filePath = file;
    try {
      this.db = open(file);
    } catch (error) {
      clearInterval(this.timer);
      throw error;
    }
  }

  create(entry: Entry, { bytes, ...job }: Job): Promise<boolean> {
    this.sweep();
    const { changes } = this.db.run(
      'INSERT OR IGNORE INTO analyses (id, entry, job, picture, bytes) VALUES (?, ?, ?, ?, ?)',
      [entry.id, JSON.stringify(entry), JSON.stringify(job), bytes, bytes.length],
    );
    return Promise.resolve(changes > 0);
  }

  find(id: string): Promise<Entry | undefined> {
    this.sweep();
    return Promise.resolve(this.read(id));
  }

  jobOf(id: string): Promise<Job | undefined> {
    const row = this.db.get('SELECT job, picture FROM analyses WHERE id = ? AND job IS NOT NULL', id);
    if (row === null) return Promise.resolve(undefined);
    const job = JSON.parse(row['job'] as string) as Omit<Job, 'bytes'>;
    return Promise.resolve({ ...job, bytes: row['picture'] as Uint8Array });
  }

  set(id: string, state: State, files: Files = {}): Promise<void> {
    const before = this.read(id);
    if (before === undefined) return Promise.resolve();
    const entry = { ...before, state };
    if (!isEnded(entry)) this.db.run('UPDATE analyses SET entry = ? WHERE id = ?', [JSON.stringify(entry), id]);
    else {
      const expiresAt = Date.now() + this.settings.keepMs;
      const text = JSON.stringify({ ...entry, expiresAt });
      this.db.exec('BEGIN');
      this.db.run('UPDATE analyses SET entry = ?, expiresAt = ?, bytes = ?, job = NULL, picture = NULL WHERE id = ?', [
        text,
        expiresAt,
        sizeOf(files),
        id,
      ]);
      for (const [name, bytes] of Object.entries(files))
        this.db.run('INSERT OR REPLACE INTO files (id, name, bytes) VALUES (?, ?, ?)', [id, name, bytes]);
      this.db.exec('COMMIT');
      this.sweep();
    }
    this.listeners.tell(id, this.read(id));
    return Promise.resolve();
  }

  file(id: string, name: string): Promise<Uint8Array | undefined> {
    const row = this.db.get('SELECT bytes FROM files WHERE id = ? AND name = ?', [id, name]);
    return Promise.resolve(row?.['bytes'] as Uint8Array | undefined);
  }

  delete(id: string): Promise<void> {
    this.drop(id);
    return Promise.resolve();
  }

  listen = (id: string, listener: Listener): (() => void) => this.listeners.add(id, listener);

  unfinished(): Promise<readonly string[]> {
    const rows = this.db.all('SELECT id FROM analyses WHERE expiresAt IS NULL ORDER BY rowid');
    return Promise.resolve(rows.map(row => row['id'] as string));
  }

  see(): void {}

  counts(): { kept: number; bytes: number } {
    const row = this.db.get('SELECT COUNT(*) AS kept, COALESCE(SUM(bytes), 0) AS bytes FROM analyses')!;
    return { kept: row['kept'] as number, bytes: row['bytes'] as number };
  }

  close(): Promise<void> {
    clearInterval(this.timer);
    if (this.db.isOpen) this.db.close();
    rmSync(pidOf(this.filePath), { force: true });
    return Promise.resolve();
  }

  private read(id: string): Entry | undefined {
    const row = this.db.get('SELECT entry FROM analyses WHERE id = ?', id);
    return row === null ? undefined : (JSON.parse(row['entry'] as string) as Entry);
  }

  private drop(id: string): void {
    if (this.db.run('DELETE FROM analyses WHERE id = ?', id).changes > 0) this.listeners.tell(id, undefined);
  }

  /** Forgets what is too old, and the oldest of what is too much, but for the last. */
  private sweep(): void {
    const rows = this.db.all(
      `SELECT id FROM (
         SELECT id, expiresAt, SUM(bytes) OVER byEnd AS newer, ROW_NUMBER() OVER byEnd AS place FROM analyses
         WHERE expiresAt IS NOT NULL WINDOW byEnd AS (ORDER BY expiresAt DESC, rowid DESC)
       ) WHERE expiresAt <= ? OR (newer > ? AND place > 1)`,
      [Date.now(), this.settings.maxStoredBytes],
    );
    for (const row of rows) this.drop(row['id'] as string);
  }
}

const pidOf = (file: string): string => `${file}.pid`;

/** Opens the file for this process alone: `<file>.lock` keeps others away, and `<file>.pid` tells whose it is. */
function open(file: string): sqlite.Database {
  const [lock, pid] = [`${file}.lock`, pidOf(file)];
  // A process that was killed could not take its lock away.
  if (existsSync(lock) && !isAlive(existsSync(pid) ? Number(readFileSync(pid, 'utf8')) : NaN)) rmdirSync(lock);
  let db: sqlite.Database | undefined;
  try {
    db = new sqlite.Database(file);
    // Each page is a write of its own: pages of 4 kB take half as long again for results of 10 MB, and requests wait.
    db.exec(
      'PRAGMA page_size = 16384; PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = FULL; PRAGMA secure_delete = ON',
    );
    const found = db.get('PRAGMA user_version')!['user_version'] as number;
    const isNew = db.get('SELECT COUNT(*) AS n FROM sqlite_master')!['n'] === 0;
    if (!isNew && found !== version)
      throw new Error(`its tables are of version ${found}, but this program has version ${version}`);
    // The first write takes the lock.
    db.exec(tables);
    writeFileSync(pid, String(process.pid));
    return db;
  } catch (error) {
    db?.close();
    const reason = (error as Error).message;
    const advice = reason.includes('locked') ? 'another server has it open' : reason;
    throw new UsageError(`cannot keep results in ${file} (${advice}); name another file`, { cause: error });
  }
}

function isAlive(pid: number): boolean {
  // Whoever has this process's own id is gone.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
