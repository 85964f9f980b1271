/**
 * Reading model files and the parts of a checkpoint, whole.
 * Invariant: a file's size is judged before its bytes take memory, and whatever the system refuses
 * is told with the path and what to do.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { type ReadModel, type ReadModelOptions, readModel } from './read-model.ts';

/** No MobileNet comes near this, and one array in JavaScript cannot hold much more. */
const MODEL_LIMIT_BYTES = 2 ** 31;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** @throws BneckError 'file' for a file that is missing, none, too large or unreadable */
export async function readWholeFile(path: string, limitBytes: number): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new BneckError('file', `${path}: is not a file. Give the path of a file.`);
    if (found.size > limitBytes) {
      const size = `${found.size} bytes, more than the ${limitBytes} that are read`;
      throw new BneckError('file', `${path}: ${size}. Check the path.`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof BneckError) throw error;
    const code = codeOf(error);
    const reason = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : `cannot be read (${code})`;
    throw new BneckError('file', `${path}: ${reason}. Check the path.`, { cause: error });
  }
}

/** A folder is no model; but if it is a run's, the model in it is probably meant. */
async function refuseFolder(path: string): Promise<void> {
  const folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!folder) return;
  const best = join(path, 'best.safetensors');
  const remedy = (await isFile(best)) ? `Give its best model: ${best}` : 'Give a model file, such as best.safetensors.';
  throw new BneckError('file', `${path}: is a folder, not a model. ${remedy}`);
}

/**
 * Reads a model file of any kind that `readModel` knows.
 * @throws BneckError as `readModel` does, and 'file' for a file that is missing or cannot be read
 */
export async function readModelFile(path: string, options: ReadModelOptions = {}): Promise<ReadModel> {
  await refuseFolder(path);
  return readModel(await readWholeFile(path, MODEL_LIMIT_BYTES), path, options);
}
