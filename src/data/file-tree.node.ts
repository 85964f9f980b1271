/**
 * Files below one place, be it a folder or an archive: what class folders and CSV files with their pictures are
 * read from. Invariant: paths go by '/' on every system, never leave the tree, and are unique.
 */
import type { Readable } from 'node:stream';
import type { PictureFile } from './dataset.ts';

export interface TreeFile extends PictureFile {
  /** below the tree's root */
  readonly path: string;
  /** @throws BneckError 'file' where it cannot be opened; a failure while reading is an 'error' of the stream */
  open(): Promise<Readable>;
}

export interface FileTree {
  /** what messages call the tree: a path */
  readonly path: string;
  /** visible files, in no order that counts */
  readonly files: readonly TreeFile[];
  /** visible folders, those without files too */
  readonly folders: readonly string[];
  /** hidden files, broken links, and what is neither file nor folder */
  readonly hidden: number;
}

/** Whether a name is passed over: hidden as Unix has it, or a Mac's notes beside the files of an archive. */
export function isHiddenName(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}
