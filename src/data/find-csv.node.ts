/**
 * CSV files as data: tells a list of pictures from FER-2013 by the names of the columns, and finds the file of either
 * kind among others.
 */
import { BneckError } from '../base/errors.ts';
import { findManifest, manifestColumns } from './csv-manifest.node.ts';
import { csvHeader } from './csv-rows.node.ts';
import { ferColumns, findFer2013 } from './fer2013.node.ts';
import type { TreeFile } from './file-tree.node.ts';
import type { DataOptions, FoundData } from './found-data.ts';
import type { ManifestRoot } from './manifest-root.node.ts';
import { listed } from './name-list.ts';

export function isCsvName(name: string): boolean {
  return /\.csv$/i.test(name);
}

/**
 * The data of a CSV file.
 * @param title what messages call the file
 * @throws BneckError 'data' for what is neither a list of pictures nor FER-2013
 */
export async function findCsv(
  file: TreeFile,
  title: string,
  root: ManifestRoot,
  options: DataOptions = {},
): Promise<FoundData> {
  const isFer = ferColumns(await csvHeader(file, title)) !== null;
  return isFer ? findFer2013(file, title, options) : findManifest(file, title, root, options);
}

/** Whether a CSV file's first line makes it data, rather than a table of something else. */
async function isData(file: TreeFile): Promise<boolean> {
  try {
    const header = await csvHeader(file, file.path);
    return ferColumns(header) !== null || manifestColumns(header, file.path) !== null;
  } catch (error) {
    if (error instanceof BneckError) return false;
    throw error;
  }
}

/**
 * The one CSV file among files that is data; null where there is none.
 * @param title the folder or archive, for messages
 * @throws BneckError 'data' for several
 */
export async function csvAmong(files: readonly TreeFile[], title: string): Promise<TreeFile | null> {
  const found: TreeFile[] = [];
  for (const file of files) {
    if (isCsvName(file.path) && (await isData(file))) found.push(file);
  }
  if (found.length > 1) {
    const names = listed(found.map(({ path }) => path));
    throw new BneckError('data', `${title}: several CSV files could be meant (${names}); give the path of one of them`);
  }
  return found[0] ?? null;
}
