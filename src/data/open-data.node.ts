/**
 * One way in: a path to data. Opens whatever stands there for training (`openData`) or finds its parts for
 * evaluation (`findData`). Invariant: a path that can't be used is explained by name, with the nearest name that does
 * exist where there is one.
 */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { nearestName } from '../base/nearest-name.ts';
import { findCifar } from './cifar.node.ts';
import type { DataSource } from './dataset.ts';
import { isPictureName } from './decode.node.ts';
import type { FileTree } from './file-tree.node.ts';
import { csvAmong, findCsv, isCsvName } from './find-csv.node.ts';
import { DiskFile, type Entry, entryNames, folderTree, lookAt } from './folder-tree.node.ts';
import { type DataOptions, divideData, type FoundData } from './found-data.ts';
import { findIdx } from './idx.node.ts';
import { findClassFolders } from './image-folder.node.ts';
import { diskRoot, type ManifestRoot, treeRoot } from './manifest-root.node.ts';
import { partNamed } from './part-names.ts';

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

/** Folders that are classes, and not merely parts. */
function hasClassFolders(tree: FileTree): boolean {
  try {
    const { classes } = findClassFolders(tree);
    return classes.length > 1 && classes.some((name) => partNamed(name) === null);
  } catch (error) {
    if (error instanceof BneckError) return false;
    throw error;
  }
}

function refuseRoot(path: string, { root, allowOutside }: DataOptions): void {
  if (root === undefined && allowOutside !== true) return;
  const name = root === undefined ? 'allowOutside' : 'root';
  throw new BneckError('option', `${path}: ${name} is for the paths in a CSV file; give that file, or leave it out`);
}

/** Data in a folder or an archive. */
async function findInTree(
  tree: FileTree,
  options: DataOptions,
  rootOf: (folder: string) => ManifestRoot,
): Promise<FoundData> {
  const top = topFolder(tree);
  const folder = join(tree.path, top);
  const files = tree.files.filter(({ path }) => dirname(path) === (top || '.'));
  const names = files.filter(({ diskPath }) => diskPath !== null).map(({ path }) => basename(path));
  const found = (await findIdx(folder, names, options)) ?? (await findCifar(folder, names, options));
  if (found !== null) return found;
  const unread = files.find(
    ({ path, diskPath }) => diskPath === null && /idx[13]-ubyte|_batch(_\d+)?\.bin$/.test(path),
  );
  if (unread !== undefined) {
    const message = `${tree.path}: holds IDX or CIFAR files (${unread.path}), which are read from a folder; unpack it`;
    throw new BneckError('unsupported', message);
  }
  const csv = await csvAmong(files, tree.path);
  if (csv === null) return findClassFolders(tree, options);
  const title = join(tree.path, csv.path);
  if (hasClassFolders(tree)) {
    const remedy = csv.diskPath === null ? 'pack one without the other' : `give ${title} itself, or take it away`;
    throw new BneckError('data', `${tree.path}: holds class folders, and labels in ${csv.path}; ${remedy}`);
  }
  return { ...(await findCsv(csv, title, rootOf(top), options)), path: tree.path, notes: [`labels from ${title}`] };
}

async function findInFile(path: string, entry: Entry, options: DataOptions): Promise<FoundData> {
  if (isCsvName(path)) {
    const root = diskRoot(options.root ?? dirname(path), options.allowOutside ?? false);
    return findCsv(new DiskFile(basename(path), path, entry), path, root, options);
  }
  if (/\.zip$/i.test(path)) {
    refuseRoot(path, options);
    const { zipTree } = await import('./zip-tree.node.ts'); // here, so that others need not wait for yauzl
    const tree = await zipTree(path);
    return findInTree(tree, options, (folder) => treeRoot(tree, folder));
  }
  const what = isPictureName(basename(path)) ? 'a picture' : 'a file of another kind';
  throw new BneckError('data', `${path}: is ${what}; give the folder that holds the data, a .csv or a .zip file`);
}

/**
 * Finds the data at a path: class folders, a CSV file with its pictures, a .zip archive of either, or the files
 * of IDX, CIFAR or FER-2013.
 * @throws BneckError 'data' with the path, what is wrong and what to do
 */
export async function findData(path: string, options: DataOptions = {}): Promise<FoundData> {
  const entry = await lookAt(path);
  if (entry === null) throw await noSuchPath(path);
  if (entry.kind !== 'folder') return findInFile(path, entry, options);
  refuseRoot(path, options);
  return findInTree(await folderTree(path), options, (folder) => diskRoot(join(path, folder), false));
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
