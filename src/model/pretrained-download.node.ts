/**
 * One file over HTTP into a part file, however often the connection breaks: what has arrived stays, the
 * rest is asked for with Range. Servers are believed in nothing but what the SHA-256 confirms: not in
 * lengths, not in ranges, not in the bytes. Invariant: when `download` returns, the part file is synced and
 * its SHA-256 begins as it must; it never grows beyond the limit.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { BneckError } from '../base/errors.ts';
import { getFollowing, type HttpAnswer } from './http-get.node.ts';

export interface DownloadProgress {
  /** Bytes of the file that are on disk, and how many it has; null while no server has said. */
  readonly receivedBytes: number;
  readonly totalBytes: number | null;
}

export interface DownloadRequest {
  readonly url: URL;
  readonly partPath: string;
  /** More bytes than this are not taken. */
  readonly limitBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256Prefix: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A connection without a byte for as long is given up and made anew. */
  readonly stallTimeoutMs: number;
  /** Before the second attempt; twice as long before each further one. */
  readonly retryDelayMs: number;
}

/** Attempts in a row that bring nothing new, and attempts in all, for servers that send a byte a time. */
const FRUITLESS_ATTEMPTS = 4;
const ATTEMPTS = 40;
/** Codes that say that there is no way to the server, for now or at all: no reason to try again at once. */
const UNREACHABLE = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ENETDOWN|CERT_|ERR_TLS|.*_CERT)/;
const RETRIED_STATUS = new Set([408, 425, 429]);

/** The connection broke, or the server is unwell: worth another attempt. */
class Interruption extends Error {
  /** Whether there is no way to the server at all. */
  readonly unreachable: boolean;

  constructor(reason: string, unreachable = false, options?: { cause?: unknown }) {
    super(reason, options);
    this.unreachable = unreachable;
  }
}

/** What the system says about a failed connection, wrapped or not. */
function interruptionOf(error: unknown): Interruption {
  if (error instanceof Interruption) return error;
  let [cause, code, message] = [error, '', 'unknown'];
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    message = cause.message || message;
    if (code === '' && 'code' in cause) code = String(cause.code);
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  }
  const named = code === '' || message.includes(code) ? message : `${message} (${code})`;
  return new Interruption(named.replaceAll(/\s+/g, ' '), UNREACHABLE.test(code), { cause: error });
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** The SHA-256 of a file, in lower-case hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, 'r');
  try {
    for await (const chunk of handle.createReadStream({ highWaterMark: 1 << 20, autoClose: false })) hash.update(chunk);
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** File errors are told apart from network errors, for trying again doesn't help them. */
async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    const reason = code === 'ENOSPC' ? 'the disk is full' : `the system refuses (${code})`;
    throw new BneckError(
      'file',
      `${path} could not be written: ${reason}. Make room, or choose another cache folder.`,
      {
        cause,
      },
    );
  }
}

/** Where the body of an answer goes in the file, and how long the whole file is said to be. */
interface Placement {
  readonly start: number;
  readonly totalBytes: number | null;
}

/** `Content-Range: bytes 100-199/200`. */
function contentRange(answer: HttpAnswer): { start: number | null; total: number | null } {
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
  const number = (text: string | undefined): number | null =>
    text === undefined || !Number.isSafeInteger(Number(text)) ? null : Number(text);
  return { start: number(start), total: number(total) };
}

function statedLength(answer: HttpAnswer): number | null {
  const text = answer.header('content-length');
  if (text === null || answer.header('content-encoding') !== null) return null; // the length of something else
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}

class Download {
  readonly #request: DownloadRequest;
  #etag: string | null = null;
  #furthest = 0;

  constructor(request: DownloadRequest) {
    this.#request = request;
  }

  async run(): Promise<void> {
    let [fruitless, startedOver] = [0, false];
    for (let attempt = 1; ; attempt++) {
      const before = this.#furthest;
      try {
        await this.#attempt();
        const found = await sha256OfFile(this.#request.partPath);
        if (found.startsWith(this.#request.sha256Prefix)) return;
        await this.#discard();
        if (startedOver) throw this.#wrongBytes(found);
        startedOver = true; // the part may have been of another file, or the server's length too short, once
      } catch (error) {
        this.#request.signal?.throwIfAborted();
        if (error instanceof BneckError) throw error;
        const interruption = interruptionOf(error);
        fruitless = this.#furthest > before ? 0 : fruitless + 1;
        const hopeless = interruption.unreachable && this.#furthest === 0;
        if (hopeless || fruitless >= FRUITLESS_ATTEMPTS || attempt >= ATTEMPTS) throw this.#givenUp(interruption);
        await this.#pause(fruitless);
      }
    }
  }

  async #pause(fruitless: number): Promise<void> {
    const { retryDelayMs, signal } = this.#request;
    try {
      await delay(retryDelayMs * 2 ** Math.max(0, fruitless - 1), undefined, signal ? { signal } : {});
    } catch {
      signal?.throwIfAborted();
    }
  }

  #givenUp(interruption: Interruption): BneckError {
    return new BneckError('file', `${this.#request.url}: ${interruption.message}`, { cause: interruption });
  }

  #wrongBytes(found: string): BneckError {
    const { url, sha256Prefix } = this.#request;
    const digest = `a SHA-256 that begins with ${found.slice(0, sha256Prefix.length)}, not ${sha256Prefix}`;
    return new BneckError('file', `${url}: the server sent another file: it has ${digest}`);
  }

  async #discard(): Promise<void> {
    this.#etag = null;
    await onDisk(this.#request.partPath, () => rm(this.#request.partPath, { force: true }));
  }

  /** One connection. Returns when the server has sent all that it has. */
  async #attempt(): Promise<void> {
    const { url, partPath, limitBytes, signal, stallTimeoutMs } = this.#request;
    let have = await sizeOf(partPath);
    if (have > limitBytes) {
      await this.#discard();
      have = 0;
    }
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (have > 0) headers.range = `bytes=${have}-`;
    if (have > 0 && this.#etag !== null) headers['if-range'] = this.#etag;
    const stall = new AbortController();
    const stalled = new Interruption(`nothing arrived for ${stallTimeoutMs / 1000} s`);
    const timer = setTimeout(() => stall.abort(stalled), stallTimeoutMs);
    try {
      const ended = signal ? AbortSignal.any([signal, stall.signal]) : stall.signal;
      const answer = await getFollowing(url, headers, ended);
      try {
        const placement = await this.#place(answer, have);
        if (placement !== null) await this.#receive(answer, placement, () => timer.refresh());
      } finally {
        answer.cancel();
      }
    } catch (error) {
      throw stall.signal.aborted && !(error instanceof BneckError) ? stalled : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Judges an answer by its head. Null: there is nothing more to send. */
  async #place(answer: HttpAnswer, have: number): Promise<Placement | null> {
    const { url, limitBytes } = this.#request;
    if (url.protocol === 'https:' && answer.url.protocol !== 'https:') {
      throw new BneckError('file', `${url}: leads to an address without encryption, which is not followed`);
    }
    const { status } = answer;
    if (status === 416) {
      if (contentRange(answer).total === have && have > 0) return null;
      await this.#discard();
      throw new Interruption('the server has less than what is here already');
    }
    if (status >= 500 || RETRIED_STATUS.has(status)) throw new Interruption(`the server answers with status ${status}`);
    if (status !== 200 && status !== 206) {
      throw new BneckError('file', `${url}: the server answers with status ${status}`);
    }
    const { start, total } = contentRange(answer);
    if (status === 206 && start !== have) {
      await this.#discard();
      throw new Interruption('the server sent another range than was asked for');
    }
    const totalBytes = status === 206 ? total : statedLength(answer);
    if (totalBytes !== null && totalBytes > limitBytes) {
      throw new BneckError('file', `${url}: the server offers ${totalBytes} bytes, where at most ${limitBytes} belong`);
    }
    const etag = answer.header('etag');
    this.#etag = etag?.startsWith('"') ? etag : null; // weak ones don't vouch for bytes
    return { start: status === 206 ? have : 0, totalBytes };
  }

  async #receive(answer: HttpAnswer, { start, totalBytes }: Placement, onBytes: () => void): Promise<void> {
    const { partPath } = this.#request;
    const file = await onDisk(partPath, () => open(partPath, start === 0 ? 'w' : 'r+'));
    let position = start;
    try {
      this.#report(position, totalBytes);
      for await (const chunk of answer.body) {
        onBytes();
        position += await this.#write(file, chunk, position);
        this.#report(position, totalBytes);
      }
      await onDisk(partPath, () => file.sync());
    } finally {
      await file.close();
    }
    if (totalBytes !== null && position < totalBytes) throw new Interruption('the connection was cut');
  }

  async #write(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
    const { url, partPath, limitBytes } = this.#request;
    if (position + chunk.length > limitBytes) {
      await this.#discard();
      throw new BneckError('file', `${url}: the server sends more than the ${limitBytes} bytes that may belong there`);
    }
    await onDisk(partPath, async () => {
      for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
      }
    });
    return chunk.length;
  }

  #report(receivedBytes: number, totalBytes: number | null): void {
    this.#furthest = Math.max(this.#furthest, receivedBytes);
    this.#request.onProgress?.({ receivedBytes, totalBytes });
  }
}

/**
 * Downloads into `partPath`, going on with what is there already, until its SHA-256 is right.
 * @throws BneckError 'file' beginning with the address, without a remedy, for the caller knows one; the
 *   reason of `signal` when it is aborted. What has arrived then stays for the next time.
 */
export async function download(request: DownloadRequest): Promise<void> {
  await new Download(request).run();
}
