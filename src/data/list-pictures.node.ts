/**
 * Finds the pictures below a folder, however deep. First step of opening class folders. Order is
 * that of torchvision's ImageFolder: folder by folder, both folders and files in code-unit order,
 * so it doesn't depend on the file system. Hidden entries and other files are passed over and
 * counted. Invariant: each real folder is entered once, so links in a circle come to an end.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { Limiter } from './concurrency.ts';
import { isPictureName } from './decode.node.ts';

export interface ListedPicture {
  /** below the folder that was listed, with '/' between names on every system */
  readonly path: string;
  readonly bytes: number;
}

export interface PictureList {
  readonly pictures: readonly ListedPicture[];
  /** files that were passed over */
  readonly ignored: number;
}

/** Code-unit order, the same on every system (`localeCompare` is not). */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Files looked at concurrently: enough to hide a network folder's delays. */
const LOOKS_AT_ONCE = 32;

/** What stands behind a name, links followed; null where a link leads nowhere. */
export async function entryKind(path: string): Promise<{ kind: 'folder' | 'file' | 'other'; bytes: number } | null> {
  try {
    const status = await stat(path);
    return { kind: status.isDirectory() ? 'folder' : status.isFile() ? 'file' : 'other', bytes: status.size };
  } catch {
    return null;
  }
}

/** A folder's entry names in code-unit order. @throws BneckError 'file' where it can't be read */
export async function entryNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort(byCodeUnits);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new BneckError('file', `${folder}: the folder cannot be read (${code}); check its permissions`, {
      cause: error,
    });
  }
}

/** Lists the pictures below `folder` with their sizes in bytes. */
export async function listPictures(folder: string): Promise<PictureList> {
  const limiter = new Limiter(LOOKS_AT_ONCE);
  const entered = new Set<string>();
  const folders = new Map<string, ListedPicture[]>();
  let ignored = 0;

  const visit = async (relative: string): Promise<void> => {
    const path = join(folder, relative);
    const real = await realpath(path).catch(() => path);
    if (entered.has(real)) return;
    entered.add(real);
    const names = await entryNames(path);
    const kinds = await Promise.all(names.map((name) => limiter.run(() => entryKind(join(path, name)))));
    const found: ListedPicture[] = [];
    const below: string[] = [];
    names.forEach((name, place) => {
      const entry = kinds[place];
      const entryPath = relative === '' ? name : `${relative}/${name}`;
      const hidden = name.startsWith('.');
      if (entry?.kind === 'folder' && !hidden) below.push(entryPath);
      else if (entry?.kind === 'file' && !hidden && isPictureName(name))
        found.push({ path: entryPath, bytes: entry.bytes });
      else if (entry?.kind !== 'folder') ignored += 1;
    });
    folders.set(relative, found);
    for (const name of below) await visit(name);
  };
  await visit('');

  const order = [...folders.keys()].sort(byCodeUnits);
  return { pictures: order.flatMap((relative) => folders.get(relative) ?? []), ignored };
}
