/**
 * Where the paths of a CSV file lead: a folder of the disk, or an archive. Invariant: without leave, none leads out.
 */
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { BneckError } from '../base/errors.ts';
import type { FileTree, TreeFile } from './file-tree.node.ts';
import { DiskFile, lookAt } from './folder-tree.node.ts';
import { shortened } from './name-list.ts';

export interface ManifestRoot extends Pick<FileTree, 'path'> {
  /**
   * The file at a path as it stands in the CSV file; null where there is none.
   * @throws BneckError 'data' for a path that leads out of the root
   */
  find(path: string): Promise<TreeFile | null>;
}

function outside(path: string, root: string): BneckError {
  const remedy = 'correct it, or allow pictures outside of the root where the file can be trusted';
  return new BneckError('data', `${shortened(path)} lies outside of ${root}; ${remedy}`);
}

/** @param allowOutside whether absolute paths and those through `..` may lead anywhere */
export function diskRoot(folder: string, allowOutside: boolean): ManifestRoot {
  const find = async (path: string): Promise<TreeFile | null> => {
    const below = relative(resolve(folder), resolve(folder, path));
    const isOutside = below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below) || isAbsolute(path);
    if (isOutside && !allowOutside) throw outside(path, folder);
    const diskPath = isAbsolute(path) ? path : join(folder, path);
    const entry = await lookAt(diskPath);
    return entry?.kind === 'file' ? new DiskFile(path, diskPath, entry) : null;
  };
  return { path: folder, find };
}

/** @param folder of the tree, where paths start; '' for its root */
export function treeRoot(tree: FileTree, folder: string): ManifestRoot {
  const files = new Map(tree.files.map((file) => [file.path, file]));
  const find = async (path: string): Promise<TreeFile | null> => {
    const full = posix.join(folder, path);
    if (posix.isAbsolute(path) || full === '..' || full.startsWith('../')) throw outside(path, tree.path);
    return files.get(full) ?? null;
  };
  return { path: tree.path, find };
}
