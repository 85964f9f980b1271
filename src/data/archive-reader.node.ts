/**
 * Reads an archive for yauzl: by position, and in large pieces while the table of contents is read, which yauzl does in
 * steps of some 50 bytes (an archive of 100,000 entries is listed in 0.5 s instead of 3.4).
 */
import { close, read } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { RandomAccessReader } from 'yauzl';

const readAsync = promisify(read);

/** Read at once while entries are listed. */
const WINDOW_BYTES = 1024 * 1024;

/** Read at once of an entry. */
const PIECE_BYTES = 64 * 1024;

/** A data set is never closed, so its archive is when nobody can read from it any more. */
const forgotten = new FinalizationRegistry<number>((file) => close(file, () => {}));

export class ArchiveReader extends RandomAccessReader {
  readonly #file: number;
  #isListing = true;
  #window: Buffer = Buffer.alloc(0);
  #begin = 0;

  constructor(file: number) {
    super();
    this.#file = file;
    forgotten.register(this, file, this);
  }

  /** Not a stream of fs, which would close the file with itself. */
  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#pieces(start, end), { objectMode: false });
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    for (let at = start; at < end; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, end - at));
      const { bytesRead } = await readAsync(this.#file, piece, 0, piece.length, at);
      if (bytesRead === 0) return; // yauzl counts
      yield piece.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    // Places come from the archive, and fs would throw where nobody catches.
    if (!Number.isSafeInteger(position)) {
      callback(new Error('an entry claims an impossible place'));
      return;
    }
    if (!this.#isListing || length > WINDOW_BYTES) {
      read(this.#file, buffer, offset, length, position, callback);
      return;
    }
    const at = position - this.#begin;
    if (at >= 0 && at + length <= this.#window.length) {
      callback(null, this.#window.copy(buffer, offset, at, at + length));
      return;
    }
    const window = Buffer.allocUnsafe(WINDOW_BYTES);
    read(this.#file, window, 0, window.length, position, (error, bytesRead) => {
      if (error !== null) return callback(error);
      this.#window = window.subarray(0, bytesRead);
      this.#begin = position;
      callback(null, this.#window.copy(buffer, offset, 0, Math.min(length, bytesRead)));
    });
  }

  /** The table of contents is read; entries come next, anywhere. */
  endListing(): void {
    this.#isListing = false;
    this.#window = Buffer.alloc(0);
  }

  override close(callback: (error: Error | null) => void): void {
    forgotten.unregister(this);
    close(this.#file, (error) => callback(error ?? null));
  }
}
