/**
 * A run's folder: `config.json` (what was asked for and chosen), `metrics.csv` (a row an epoch),
 * `best.safetensors`, `last.ckpt/` (see checkpoint.node.ts), `bad-pictures.txt` if there were any, `lock` while it trains.
 * Invariant: a run never writes into the folder of another; each file is replaced whole, so a
 * reader never sees half of one.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { withFileLock } from '../base/file-lock.node.ts';
import { createFolder, nextNumberedFolder, removeLeftovers, writeFileAtomic } from '../base/write-file.node.ts';
import type { BadPicture } from '../data/loader.ts';
import { withoutRemedy } from '../data/unreadable.ts';
import { type EpochMetrics, formatMetrics } from '../report/metrics-csv.ts';

/** Where runs go that were not given a folder. */
export const RUNS_FOLDER = 'runs';

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** The entries of a folder; null if nothing is there. */
async function entriesOf(path: string): Promise<string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return null;
    const reason = code === 'ENOTDIR' ? 'it is a file, not a folder' : `it cannot be read (${code})`;
    throw new BneckError('file', `${path}: ${reason}. Give another folder.`, { cause: error });
  }
}

export class RunFolder {
  /** As given, or `runs/N`. */
  readonly path: string;
  /** What bad-pictures.txt holds, a line each. */
  readonly #badPictures = new Set<string>();

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * @throws BneckError 'option' if the folder is there and not empty, 'file' if it cannot be read. Whether
   *   it can be created shows later; this is to refuse before any work is done.
   */
  static async requireFree(out: string): Promise<void> {
    const entries = await entriesOf(out);
    if (entries === null || entries.length === 0) return;
    const begun = entries.includes('last.ckpt') || entries.includes('last.ckpt.old');
    const resumable = begun ? ', or go on with the run in it by resuming it' : '';
    throw new BneckError(
      'option',
      `${out}: the folder is not empty, and no run is overwritten. Name a new one${resumable}.`,
    );
  }

  /**
   * A new, empty folder: `out`, or the next number in `runs`.
   * @throws BneckError 'option' if `out` is not empty, 'file' if it cannot be created
   */
  static async create(out: string | undefined): Promise<RunFolder> {
    if (out === undefined) return new RunFolder(await nextNumberedFolder(RUNS_FOLDER));
    await RunFolder.requireFree(out);
    await createFolder(out);
    return new RunFolder(out);
  }

  /** The folder of a run that is to go on. @throws BneckError 'file' if there is none */
  static async open(path: string): Promise<RunFolder> {
    const entries = await entriesOf(path);
    if (entries === null) {
      const runs = (await entriesOf(RUNS_FOLDER).catch(() => null)) ?? [];
      const numbers = runs.filter((name) => /^[0-9]+$/.test(name)).map(Number);
      const latest = numbers.length > 0 ? ` The latest run is ${join(RUNS_FOLDER, String(Math.max(...numbers)))}.` : '';
      throw new BneckError('file', `${path}: there is no such run.${latest || ' Give the folder of a run.'}`);
    }
    const folder = new RunFolder(path);
    const bad = await readFile(folder.#badPicturesPath, 'utf8').catch(() => '');
    for (const line of bad.split('\n')) if (line !== '') folder.#badPictures.add(line);
    return folder;
  }

  /**
   * Runs `work` as the only process that trains this run, on a folder without leftovers of one that was killed.
   * @throws BneckError 'option' where another one does; whatever `work` throws
   */
  whileLocked<T>(work: () => Promise<T>): Promise<T> {
    const cleanWork = async () => {
      await removeLeftovers(this.path);
      return work();
    };
    return withFileLock(join(this.path, 'lock'), cleanWork, {
      refusal: (pid) => {
        const holder = pid === null ? 'another process' : `process ${pid}`;
        const remedy =
          'Wait until it is done, or end it. If it was ended on another machine, try again in half a minute.';
        return new BneckError('option', `${this.path} is being trained by ${holder}. ${remedy}`);
      },
    });
  }

  get #badPicturesPath(): string {
    return join(this.path, 'bad-pictures.txt');
  }

  get bestPath(): string {
    return join(this.path, 'best.safetensors');
  }

  get checkpointPath(): string {
    return join(this.path, 'last.ckpt');
  }

  get metricsPath(): string {
    return join(this.path, 'metrics.csv');
  }

  async writeConfig(config: Readonly<Record<string, unknown>>): Promise<void> {
    await writeFileAtomic(join(this.path, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  }

  async writeMetrics(rows: readonly EpochMetrics[]): Promise<void> {
    await writeFileAtomic(this.metricsPath, formatMetrics(rows));
  }

  async writeBest(bytes: Uint8Array): Promise<void> {
    await writeFileAtomic(this.bestPath, bytes);
  }

  /** Lists pictures that were passed over, one a line with the reason, beside those listed before. */
  async writeBadPictures(pictures: readonly BadPicture[]): Promise<void> {
    const listed = this.#badPictures.size;
    for (const { reason } of pictures) {
      // The reason names the picture; its remedy is of no use here.
      this.#badPictures.add(withoutRemedy(reason));
    }
    if (this.#badPictures.size === listed) return;
    await writeFileAtomic(this.#badPicturesPath, `${[...this.#badPictures].sort().join('\n')}\n`);
  }
}
