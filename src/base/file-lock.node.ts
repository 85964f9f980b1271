/**
 * A lock between processes: a file that only one can create. Its holder keeps touching it; one that was
 * killed stops, and after a while, or at once where its process is seen to be gone, others may take the
 * lock. It keeps two downloads of one file from doing the work twice, and two processes from training one run.
 * It is a courtesy, not the proof: on a network disk a lock can be lost, so what it guards must stand without it.
 */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { BneckError } from './errors.ts';

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when somebody else holds the lock. */
  readonly onWait?: () => void;
  /** What is thrown when somebody else holds the lock. Default: it is waited for. */
  readonly refusal?: (pid: number | null) => BneckError;
  /** A lock untouched for as long is taken over. Default 30,000. */
  readonly staleMs?: number;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly token: string;
}

const POLL_MS = 150;
const STALE_MS = 30_000;
/** A holder touches its lock so many times before it counts as stale. */
const TOUCHES = 6;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The text of a file, or null where it is gone or unreadable. */
function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

function parseHolder(text: string): Holder | null {
  try {
    const { pid, host, token } = JSON.parse(text) as Partial<Holder>;
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof token !== 'string') return null;
    return { pid, host, token };
  } catch {
    return null; // created, but not written yet
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Creates the lock. False where somebody has it. */
async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(JSON.stringify(holder));
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw new BneckError('file', `${path} could not be created (${codeOf(error)}). Choose another folder.`, {
      cause: error,
    });
  }
}

async function isStale(path: string, text: string, staleMs: number): Promise<boolean> {
  const holder = parseHolder(text);
  if (holder?.host === hostname() && !isAlive(holder.pid)) return true;
  const touched = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
  return touched !== null && Date.now() - touched > staleMs;
}

/**
 * Removes a stale lock. Two may find it stale at once, and the second must not remove what the first has
 * created since: so it is moved aside, looked at, and put back if it is not the one that was judged.
 */
async function removeStale(path: string, judged: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return; // somebody else was faster
  }
  if ((await textOf(aside)) !== judged) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

async function acquire(path: string, holder: Holder, options: LockOptions): Promise<void> {
  let told = false;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await create(path, holder)) return;
    const text = await textOf(path);
    if (text === null) continue;
    if (await isStale(path, text, options.staleMs ?? STALE_MS)) {
      await removeStale(path, text);
      continue;
    }
    if (options.refusal) throw options.refusal(parseHolder(text)?.pid ?? null);
    if (!told) options.onWait?.();
    told = true;
    await delay(POLL_MS);
  }
}

/**
 * Runs `work` while holding the lock at `path`, and waits for it as long as another process holds it, unless that is
 * refused.
 * @throws BneckError 'file' where the lock cannot be created; the reason of `signal` when it is aborted while
 *   waiting; what `refusal` returns; whatever `work` throws
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const holder: Holder = { pid: process.pid, host: hostname(), token: randomUUID() };
  await acquire(path, holder, options);
  const touch = (): void => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // taken over: the holder's work is checked in another way
  };
  const timer = setInterval(touch, (options.staleMs ?? STALE_MS) / TOUCHES);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    const text = await textOf(path);
    if (text !== null && parseHolder(text)?.token === holder.token) await rm(path, { force: true });
  }
}
