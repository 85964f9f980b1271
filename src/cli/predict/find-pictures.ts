/**
 * From what a person names (files, folders, patterns) to a list of pictures. Order is that of the
 * arguments, and inside folders and patterns that of the names in code points. Invariant: an argument
 * that leads to no picture is an entry too, with the reason, so that nothing named goes unanswered.
 */
import { basename, isAbsolute, join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { BneckError } from '../../base/errors.ts';
import { byCodePoints } from '../../data/code-point-order.ts';
import { isPictureName } from '../../data/decode.node.ts';
import { folderTree, lookAt } from '../../data/folder-tree.node.ts';

export interface FoundPicture {
  readonly image: string;
  /** Why there is none. */
  readonly error?: string;
}

async function picturesIn(folder: string): Promise<FoundPicture[]> {
  try {
    const { files } = await folderTree(folder);
    const pictures = files.map(({ path }) => path).filter((path) => isPictureName(basename(path)));
    if (pictures.length === 0) return [{ image: folder, error: `${folder}: there are no pictures in this folder` }];
    return pictures.sort(byCodePoints).map((path) => ({ image: join(folder, path) }));
  } catch (error) {
    if (!(error instanceof BneckError)) throw error;
    return [{ image: folder, error: error.message }];
  }
}

async function picturesLike(pattern: string): Promise<FoundPicture[]> {
  const paths = await glob(pattern, { absolute: isAbsolute(pattern), expandDirectories: false });
  const pictures = paths.filter((path) => isPictureName(basename(path))).sort(byCodePoints);
  if (pictures.length === 0) return [{ image: pattern, error: `${pattern}: no picture's name is like this` }];
  return pictures.map((image) => ({ image }));
}

/** A file's own name comes before its meaning as a pattern: `photo[1].jpg` may be there. */
export async function findPictures(names: readonly string[]): Promise<FoundPicture[]> {
  const found: FoundPicture[] = [];
  for (const name of names) {
    const kind = (await lookAt(name))?.kind;
    if (kind === 'folder') for (const picture of await picturesIn(name)) found.push(picture);
    else if (kind === undefined && isDynamicPattern(name)) {
      for (const picture of await picturesLike(name)) found.push(picture);
    } else found.push({ image: name });
  }
  return found;
}
