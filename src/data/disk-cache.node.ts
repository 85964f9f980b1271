/**
 * Decoded pictures kept on the disk between epochs and runs: each is decoded once, reduced as training wants it, and
 * then read by slices. Stands between a data set of files and the loader and looks like a data set. Invariant: what
 * `read` gives depends on the picture and `shortSide` alone. A cache that is missing, damaged or deleted meanwhile
 * costs time, never a picture; it may be deleted at any time.
 */
import { createHash } from 'node:crypto';
import { readdir, rm, stat, statfs, utimes } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { createFolder } from '../base/write-file.node.ts';
import { estimateBytes } from './cache.ts';
import { giveOthersATurn } from './concurrency.ts';
import type { Dataset } from './dataset.ts';
import { decoderVersion } from './decode.node.ts';
import { DamagedDecodedFile, DECODED_VERSION, DecodedFile, writeDecodedFile } from './decoded-file.node.ts';
import type { Picture, PictureSize } from './picture.ts';
import { reduceShortSide } from './transform.ts';

/** Of all caches together. The least recently used make room. */
export const DEFAULT_DISK_LIMIT_BYTES = 32 * 2 ** 30;

/** Of what is free on the disk, a cache takes no more. */
const SHARE_OF_FREE = 0.5;

/** A file that was being written so long ago was left behind by a process that was killed. */
const ABANDONED_MS = 24 * 3600 * 1000;

export interface DiskCacheOptions {
  /** where caches are; created where it is missing */
  readonly folder: string;
  /** reduce larger pictures so that their short side is this many pixels */
  readonly shortSide?: number | undefined;
  readonly limitBytes?: number | undefined;
  /** pictures decoded so far, while a cache is made */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** what happened to a cache, in a line: damaged, not made */
  readonly onNote?: ((note: string) => void) | undefined;
  /** aborting it gives up making a cache; pictures are then decoded when they are read */
  readonly signal?: AbortSignal | undefined;
}

export interface KeptDataset {
  readonly dataset: Dataset;
  /** Lets the cache go, when nothing is being read. */
  close(): Promise<void>;
}

/** What the pictures are made from, and by what: 32 bytes. */
async function keyOf(dataset: Dataset, shortSide: number | undefined): Promise<Buffer> {
  const hash = createHash('sha256');
  const made = [DECODED_VERSION, await decoderVersion(), shortSide ?? null];
  hash.update(`${JSON.stringify(made)}\n`);
  for (let index = 0; index < dataset.length; index++) {
    const file = dataset.file?.(index);
    hash.update(`${JSON.stringify([resolve(dataset.name(index)), file?.bytes, file?.modifiedMs])}\n`);
  }
  return hash.digest();
}

interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/** The caches in the folder, the least recently used first; what was left behind is removed. */
async function keptFiles(folder: string): Promise<KeptFile[]> {
  const found: KeptFile[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const status = await stat(path).catch(() => null);
    if (status === null || !status.isFile()) continue;
    if (name.endsWith('.pixels')) found.push({ path, bytes: status.size, usedMs: status.mtimeMs });
    else if (/^\.bneck-.*\.tmp$/.test(name) && Date.now() - status.mtimeMs > ABANDONED_MS)
      await rm(path, { force: true });
  }
  return found.sort((a, b) => a.usedMs - b.usedMs);
}

/** Removes the least recently used caches until so many bytes fit; false if they can't. */
async function makeRoom(folder: string, neededBytes: number, limitBytes: number): Promise<boolean> {
  const kept = await keptFiles(folder);
  const disk = await statfs(folder).catch(() => null);
  let total = kept.reduce((sum, { bytes }) => sum + bytes, neededBytes);
  const free = disk === null ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize;
  if (neededBytes > limitBytes || neededBytes > free * SHARE_OF_FREE) return false;
  for (const { path, bytes } of kept) {
    if (total <= limitBytes) break;
    await rm(path, { force: true }).catch(() => {}); // in use, on systems where that counts
    total -= bytes;
  }
  return true;
}

/** The pictures in order, some decoded ahead; null for one that cannot be, undefined once nobody wants them. */
async function* decodeInOrder(
  dataset: Dataset,
  { shortSide, onProgress, signal }: DiskCacheOptions,
): AsyncGenerator<Picture | null | undefined, void, undefined> {
  const decode = async (index: number): Promise<Picture | null> => {
    try {
      return reduceShortSide(await dataset.read(index), shortSide);
    } catch (error) {
      if (error instanceof BneckError && error.code === 'image') return null;
      throw error;
    }
  };
  const inWork: Promise<Picture | null>[] = [];
  const most = Math.max(4, availableParallelism());
  for (let next = 0, done = 0; done < dataset.length; done++) {
    while (next < dataset.length && inWork.length < most) {
      const picture = decode(next++);
      picture.catch(() => {}); // awaited in its turn, or dropped with all others
      inWork.push(picture);
    }
    if (signal?.aborted) {
      await Promise.allSettled(inWork);
      yield undefined;
      return;
    }
    yield await (inWork.shift() as Promise<Picture | null>);
    onProgress?.(done + 1, dataset.length);
    await giveOthersATurn();
  }
}

/** Opens the cache, or makes it; null where it cannot or may not be made. */
async function openOrMake(dataset: Dataset, options: DiskCacheOptions): Promise<DecodedFile | null> {
  const { folder, shortSide, limitBytes = DEFAULT_DISK_LIMIT_BYTES, onNote, signal } = options;
  const key = await keyOf(dataset, shortSide);
  const path = join(folder, `${key.toString('hex', 0, 16)}.pixels`);
  try {
    const found = await DecodedFile.open(path, key, dataset.length);
    if (found !== null) {
      await utimes(path, new Date(), new Date()).catch(() => {});
      return found;
    }
  } catch (error) {
    if (!(error instanceof DamagedDecodedFile)) throw error;
    onNote?.(`the cache ${path} is damaged (${error.message}) and is made again`);
  }
  await createFolder(folder);
  const expectedBytes = Math.ceil(await estimateBytes(dataset, shortSide));
  if (!(await makeRoom(folder, expectedBytes, limitBytes))) {
    const size = `${(expectedBytes / 1e9).toFixed(1)} GB`;
    onNote?.(`decoded pictures are not kept on the disk: ${size} are more than ${folder} may take or has free`);
    return null;
  }
  if (signal?.aborted) return null;
  const isMade = await writeDecodedFile(path, key, dataset.length, decodeInOrder(dataset, options), expectedBytes);
  return isMade ? DecodedFile.open(path, key, dataset.length) : null;
}

/**
 * Wraps a data set so that its pictures come from a cache on the disk, which is made now if there is none. Pictures
 * that cannot be decoded fail when they are read, as without a cache.
 * @returns null where there is no cache and none could be made: no room, a folder that cannot be written, aborted
 */
export async function diskCached(dataset: Dataset, options: DiskCacheOptions): Promise<KeptDataset | null> {
  const { shortSide, onNote } = options;
  if (dataset.length === 0) return null;
  let kept: DecodedFile | null;
  try {
    kept = await openOrMake(dataset, options);
  } catch (error) {
    if (!(error instanceof BneckError && error.code === 'file')) throw error;
    onNote?.(`decoded pictures are not kept on the disk: ${error.message}`);
    return null;
  }
  if (kept === null) return null;
  const file = kept;
  let isSound = true;
  const decode = async (index: number): Promise<Picture> => reduceShortSide(await dataset.read(index), shortSide);
  const read = async (index: number): Promise<Picture> => {
    if (!isSound) return decode(index);
    try {
      return (await file.read(index)) ?? (await decode(index));
    } catch (error) {
      if (error instanceof BneckError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      // Told once; what was read before was checked, and the rest is decoded.
      if (isSound) onNote?.(`the cache ${file.path} is damaged (${reason}), removed, and made again by the next run`);
      isSound = false;
      await rm(file.path, { force: true }).catch(() => {});
      return decode(index);
    }
  };
  const size = async (index: number): Promise<PictureSize> => file.size(index) ?? (await read(index));
  return { dataset: { ...dataset, read, size }, close: () => file.close() };
}
