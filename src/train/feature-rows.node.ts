/**
 * Where features are kept: in memory where they fit, else in a file of the run's folder, which is gone
 * when it is not needed any more.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import type { FeatureRows, OpenRows } from './head-features.ts';

/** Features that are kept in memory take up to this. */
const MEMORY_LIMIT_BYTES = 2 ** 30;

class MemoryRows implements FeatureRows {
  readonly #width: number;
  readonly #values: Float32Array;
  #end = 0;

  constructor(rows: number, width: number) {
    this.#width = width;
    this.#values = new Float32Array(rows * width);
  }

  async append(values: Float32Array): Promise<void> {
    this.#values.set(values, this.#end);
    this.#end += values.length;
  }

  async read(row: number, target: Float32Array): Promise<void> {
    target.set(this.#values.subarray(row * this.#width, (row + 1) * this.#width));
  }

  async close(): Promise<void> {}
}

class FileRows implements FeatureRows {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #rowBytes: number;
  #end = 0;

  constructor(path: string, file: FileHandle, width: number) {
    this.#path = path;
    this.#file = file;
    this.#rowBytes = 4 * width;
  }

  #failure(error: unknown): BneckError {
    const reason = error instanceof Error ? error.message : String(error);
    return new BneckError('file', `${this.#path}: ${reason}. Make room on the disk.`, { cause: error });
  }

  async append(values: Float32Array): Promise<void> {
    let bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    try {
      while (bytes.length > 0) {
        const { bytesWritten } = await this.#file.write(bytes, 0, bytes.length, this.#end);
        this.#end += bytesWritten;
        bytes = bytes.subarray(bytesWritten);
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async read(row: number, target: Float32Array): Promise<void> {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, row * this.#rowBytes).catch((error) => {
      throw this.#failure(error);
    });
    if (bytesRead !== bytes.length) throw this.#failure(new Error('the file was cut off while it was in use'));
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

/**
 * @param run the run's folder
 * @param limitBytes what may be kept in memory; 1 GiB by default
 */
export function featureRows(run: string, limitBytes = MEMORY_LIMIT_BYTES): OpenRows {
  return async (rows, width) => {
    if (4 * rows * width <= limitBytes) return new MemoryRows(rows, width);
    const path = join(run, '.bneck-features.tmp');
    try {
      return new FileRows(path, await open(path, 'w+'), width);
    } catch (error) {
      throw new BneckError('file', `${path} cannot be written. Make the folder writable.`, { cause: error });
    }
  };
}
