/** A file of class names on the disk: `--classes-file`, and the name files of CIFAR. */
import { readFile, stat } from 'node:fs/promises';
import { BneckError } from '../base/errors.ts';
import { parseClassNames } from './class-names.ts';

const LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * @returns the names, in the order of the labels
 * @throws BneckError 'data' for a file that is missing or no list of names
 */
export async function readClassesFile(path: string): Promise<string[]> {
  try {
    const status = await stat(path);
    if (!status.isFile()) throw new BneckError('data', `${path}: is not a file; give one with a class name a line`);
    if (status.size > LIMIT_BYTES) {
      throw new BneckError('data', `${path}: ${status.size} bytes are too many for a list of class names`);
    }
    return parseClassNames(await readFile(path, 'utf8'), path);
  } catch (cause) {
    if (cause instanceof BneckError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new BneckError('data', `${path}: cannot be read (${code}); give a file with a class name a line`, { cause });
  }
}
