/**
 * One way in: a path to data. Opens whatever stands there for training (`openData`) or finds its parts for
 * evaluation (`findData`). Invariant: a path that can't be used is explained by name, with the nearest name that does
 * exist where there is one.
 */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { nearestName } from '../base/nearest-name.ts';
import type { DataSource } from './dataset.ts';
import { isPictureName } from './decode.node.ts';
import type { FileTree } from './file-tree.node.ts';
import { entryNames, folderTree, lookAt } from './folder-tree.node.ts';
import { type DataOptions, divideData, type FoundData } from './found-data.ts';
import { findIdx } from './idx.node.ts';
import { findClassFolders } from './image-folder.node.ts';

/** The first part of a path that isn't there, and what stands beside it. */
async function noSuchPath(path: string): Promise<BneckError> {
  let missing = resolve(path);
  while (dirname(missing) !== missing && (await lookAt(dirname(missing))) === null) missing = dirname(missing);
  const siblings = await entryNames(dirname(missing)).catch(() => []);
  const near = nearestName(basename(missing), siblings);
  const where = missing === resolve(path) ? '' : ` (${missing} is missing)`;
  const remedy = near === null ? 'check the path' : `did you mean ${join(dirname(missing), near)}?`;
  const kind = extname(path) === '' ? 'folder' : 'file or folder';
  return new BneckError('data', `${path}: there is no such ${kind}${where}; ${remedy}`);
}

/** The folder that files of data lie in: the tree's own, or the only one where there is nothing beside it. */
function topFolder({ files, folders }: FileTree): string {
  let top = '';
  for (;;) {
    const start = top === '' ? '' : `${top}/`;
    const isWithin = ({ path }: { readonly path: string }) =>
      path.startsWith(start) && !path.slice(start.length).includes('/');
    const below = folders.filter((path) => isWithin({ path }));
    if (files.some(isWithin) || below.length !== 1) return top;
    top = below[0] as string;
  }
}

async function findInFolder(tree: FileTree, options: DataOptions): Promise<FoundData> {
  const top = topFolder(tree);
  const names = tree.files.filter(({ path }) => dirname(path) === (top || '.')).map(({ path }) => basename(path));
  const folder = join(tree.path, top);
  return (await findIdx(folder, names, options)) ?? findClassFolders(tree, options);
}

/**
 * Finds the data at a path: class folders or IDX files.
 * @throws BneckError 'data' with the path, what is wrong and what to do
 */
export async function findData(path: string, options: DataOptions = {}): Promise<FoundData> {
  const entry = await lookAt(path);
  if (entry === null) throw await noSuchPath(path);
  if (entry.kind === 'folder') return findInFolder(await folderTree(path), options);
  const what = isPictureName(basename(path)) ? 'a picture' : 'a file';
  throw new BneckError('data', `${path}: is ${what}; give the folder that holds the data`);
}

/**
 * Opens data for training, as `findData` finds them, divided into their own parts or as `validation` and `seed` say.
 * @throws BneckError 'data' with the path, what is wrong and what to do
 */
export async function openData(path: string, options: DataOptions = {}): Promise<DataSource> {
  return divideData(await findData(path, options), options);
}

/** Opens class folders for training, whatever else the folder holds. @throws BneckError 'data' as `openData` does */
export async function imageFolder(path: string, options: DataOptions = {}): Promise<DataSource> {
  const entry = await lookAt(path);
  if (entry?.kind !== 'folder') return openData(path, options);
  return divideData(findClassFolders(await folderTree(path), options), options);
}
