/**
 * The files below a folder of the disk, however deep. Links are followed. Invariant: a folder is not entered from
 * within itself, so links in a circle come to an end, and what is too large to be meant is refused.
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { BneckError } from '../base/errors.ts';
import { byCodePoints } from './code-point-order.ts';
import { Limiter } from './concurrency.ts';
import { type FileTree, isHiddenName, type TreeFile } from './file-tree.node.ts';

/** Files looked at concurrently: enough to hide a network folder's delays. */
const LOOKS_AT_ONCE = 32;

/** ImageNet's 21,000 classes have 14 million pictures. */
const MOST_ENTRIES = 20_000_000;

/** What stands behind a name, links followed. */
export interface Entry {
  readonly kind: 'folder' | 'file' | 'other';
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Null where there is nothing, or a link leads nowhere. */
export async function lookAt(path: string): Promise<Entry | null> {
  try {
    const status = await stat(path);
    const kind = status.isDirectory() ? 'folder' : status.isFile() ? 'file' : 'other';
    return { kind, bytes: status.size, modifiedMs: status.mtimeMs };
  } catch {
    return null;
  }
}

/** A folder's entry names, sorted. @throws BneckError 'file' where it can't be read */
export async function entryNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort(byCodePoints);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BneckError('file', `${folder}: the folder cannot be read (${code}); check its permissions`, { cause });
  }
}

/** A file on the disk. */
export class DiskFile implements TreeFile {
  readonly path: string;
  readonly diskPath: string;
  readonly bytes: number;
  readonly modifiedMs: number;

  constructor(path: string, diskPath: string, { bytes, modifiedMs }: Omit<Entry, 'kind'>) {
    this.path = path;
    this.diskPath = diskPath;
    this.bytes = bytes;
    this.modifiedMs = modifiedMs;
  }

  async read(): Promise<Uint8Array> {
    try {
      return await readFile(this.diskPath);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new BneckError('image', `${this.diskPath}: cannot be read (${code}); check its permissions`, { cause });
    }
  }

  async open(): Promise<Readable> {
    return createReadStream(this.diskPath);
  }
}

/** Lists everything below `folder`. @throws BneckError 'file' for a folder that cannot be read */
export async function folderTree(folder: string): Promise<FileTree> {
  const limiter = new Limiter(LOOKS_AT_ONCE);
  const files: TreeFile[] = [];
  const folders: string[] = [];
  let hidden = 0;
  let entries = 0;

  const visit = async (relative: string, above: ReadonlySet<string>): Promise<void> => {
    const path = join(folder, relative);
    const real = await realpath(path).catch(() => path);
    if (above.has(real)) return;
    if (relative !== '') folders.push(relative);
    const within = new Set(above).add(real);
    const names = await entryNames(path);
    entries += names.length;
    if (entries > MOST_ENTRIES) {
      throw new BneckError('data', `${folder}: more than ${MOST_ENTRIES} files; give the folder of the data alone`);
    }
    const found = await Promise.all(names.map((name) => limiter.run(() => lookAt(join(path, name)))));
    const below: string[] = [];
    names.forEach((name, place) => {
      const entry = found[place] ?? null;
      const entryPath = relative === '' ? name : `${relative}/${name}`;
      if (entry?.kind === 'folder') {
        if (!isHiddenName(name)) below.push(entryPath);
      } else if (entry?.kind !== 'file' || isHiddenName(name)) hidden += 1;
      else files.push(new DiskFile(entryPath, join(path, name), entry));
    });
    for (const name of below) await visit(name, within);
  };
  await visit('', new Set());
  return { path: folder, files, folders, hidden };
}
