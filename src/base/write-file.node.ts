/**
 * Files that are either whole or not there. A write goes to a temporary file in the same folder,
 * which is synced, renamed over the target and made to last by syncing the folder, so a process
 * killed or a machine switched off at any moment leaves the old file or the new one, never a part.
 * A kill can leave a temporary file behind (`.bneck-*.tmp`); it can be deleted, as `removeLeftovers` does. Whatever the
 * operating system refuses becomes a BneckError that says what to do.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { assert, BneckError } from './errors.ts';

/** Folder numbers above this are taken for something else, a date and time perhaps. */
const LARGEST_NUMBER = 1e9;

/** What went wrong by its code, and what to do. The folder is the one that was written to. */
const EXPLANATIONS: Readonly<Record<string, (folder: string) => string>> = {
  EACCES: (folder) => `folder ${folder} is not writable. Change its permissions, or choose another folder.`,
  EPERM: (folder) => `writing in folder ${folder} is not permitted. Choose another folder.`,
  EROFS: (folder) => `folder ${folder} is on a read-only file system. Choose another folder.`,
  ENOENT: (folder) => `folder ${folder} does not exist. Create it, or correct the path.`,
  ENOTDIR: (folder) => `a part of ${folder} is a file, not a folder. Correct the path.`,
  EISDIR: () => 'it is a folder. Give the path of a file.',
  EEXIST: () => 'a file of that name is in the way. Move it, or choose another name.',
  ENAMETOOLONG: () => 'the name is too long. Choose a shorter one.',
  ELOOP: () => 'its symbolic links lead in a circle. Correct the path.',
  EDQUOT: () => 'the disk quota is used up. Delete files, or choose another disk.',
  EFBIG: () => 'it is larger than the file system or a limit (ulimit -f) allows. Choose another disk.',
  EMFILE: () => 'too many files are open. Close some, or raise the limit (ulimit -n).',
};

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

async function diskFull(folder: string, neededBytes: number): Promise<string> {
  const free = await statfs(folder).then(
    (disk) => `, ${disk.bavail * disk.bsize} are free`,
    () => '',
  );
  const needed = neededBytes > 0 ? `: ${neededBytes} bytes needed${free}` : '';
  return `the disk is full${needed}. Make room, or choose another disk.`;
}

/** A BneckError for what the file system refused. `cause` stays attached. */
async function explain(path: string, folder: string, cause: unknown, neededBytes: number): Promise<BneckError> {
  if (cause instanceof BneckError) return cause;
  const code = errorCode(cause);
  const known = EXPLANATIONS[code]?.(folder);
  const happened = code === 'ENOSPC' ? await diskFull(folder, neededBytes) : known;
  const reason = happened ?? `${cause instanceof Error ? cause.message : cause}. Choose another folder or disk.`;
  return new BneckError('file', `${path} could not be written: ${reason}`, { cause });
}

/** Makes a rename or a new folder last. Where folders cannot be synced, the system does so by itself, later. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows does not open folders
  const unable = ['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EISDIR'];
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!unable.includes(errorCode(error))) throw error;
  }
}

/** Follows links, so that a link stays one, and refuses what a rename would destroy (a device, a pipe). */
async function resolveTarget(path: string): Promise<{ target: string; mode: number }> {
  const found = await stat(path).catch((error) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return { target: path, mode: 0o666 };
  if (found.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' });
  if (!found.isFile()) {
    throw new BneckError('file', `${path} could not be written: it is not a plain file. Give the path of a file.`);
  }
  return { target: await realpath(path), mode: found.mode & 0o777 };
}

/** Writes and syncs a new file; giving up or a failure leaves none. */
async function writeNewFile(path: string, mode: number, write: FileWriter): Promise<boolean> {
  const handle = await open(path, 'wx', mode);
  let isWhole = false;
  try {
    try {
      isWhole = await write(handle);
      if (isWhole) await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  if (!isWhole) await rm(path, { force: true });
  return isWhole;
}

/** Writes into an open file; false to give up. */
export type FileWriter = (file: FileHandle) => Promise<boolean>;

/**
 * As `writeFileAtomic`, for a file that is written piece by piece.
 * @param neededBytes about as many as there will be, for the message where the disk is full
 * @returns what `write` does; the file is in its place only if that is true
 */
export async function buildFileAtomic(path: string, neededBytes: number, write: FileWriter): Promise<boolean> {
  let folder = dirname(resolve(path));
  try {
    const { target, mode } = await resolveTarget(path);
    folder = dirname(resolve(target));
    // Not the file's name with an ending: that could be longer than a name may be.
    const temporary = join(folder, `.bneck-${randomUUID()}.tmp`);
    if (!(await writeNewFile(temporary, mode, write))) return false;
    try {
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(folder);
    return true;
  } catch (error) {
    throw await explain(path, folder, error, neededBytes);
  }
}

/**
 * Writes a file whole or not at all, and returns when it would survive a power cut. The permissions
 * of a file that is replaced are kept; a symbolic link stays and the file it leads to is replaced.
 * @param data bytes or text (UTF-8); parts are written one after the other. Must not change meanwhile.
 * @throws BneckError `file` with the path, what happened and what to do; no part of the new file is then
 *   there, and the old one is untouched (only if syncing the folder fails is the new file in place)
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string | readonly Uint8Array[]): Promise<void> {
  const parts = typeof data === 'string' || data instanceof Uint8Array ? [data] : data;
  const neededBytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  await buildFileAtomic(path, neededBytes, async (file) => {
    for (const part of parts) await file.writeFile(part);
    return true;
  });
}

/** Creates a folder whose parent may be missing. Node's recursive mkdir never returns where a parent stays missing. */
async function createMissing(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const parent = dirname(path);
    if (errorCode(error) === 'ENOENT' && parent !== path) {
      await createMissing(parent);
      await mkdir(path).catch(async (again) => {
        if (!(await isFolder(path))) throw again; // not another process that was faster
      });
    } else if (await isFolder(path)) {
      return; // systems differ in what they call this
    } else throw error;
  }
  await syncFolder(dirname(path));
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * Creates a folder and those above it that are missing; it is no error if it exists.
 * @throws BneckError `file` with the path, what happened and what to do
 */
export async function createFolder(path: string): Promise<void> {
  const wanted = resolve(path);
  try {
    await createMissing(wanted);
  } catch (error) {
    throw await explain(path, dirname(wanted), error, 0);
  }
}

/** The largest n of the entries named prefix + n, or 0. */
async function largestNumber(parent: string, prefix: string): Promise<number> {
  let largest = 0;
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(prefix) || !/^[1-9][0-9]*$/.test(entry.slice(prefix.length))) continue;
    const number = Number(entry.slice(prefix.length));
    if (number <= LARGEST_NUMBER) largest = Math.max(largest, number);
  }
  return largest;
}

/**
 * Creates the next folder of a series: `parent/1`, `parent/2`, ... or with a prefix `parent/run-1`.
 * It is new and empty, and no other process gets the same, for only one can create it. Numbers that
 * were used and deleted come again only at the end of the series.
 * @returns the path of the new folder, which begins with `parent` as given
 * @throws BneckError `file` with the path, what happened and what to do
 */
export async function nextNumberedFolder(parent: string, prefix = ''): Promise<string> {
  assert(basename(`x${prefix}`) === `x${prefix}`, `the prefix ${prefix} is not part of a name`);
  await createFolder(parent);
  try {
    for (let number = (await largestNumber(parent, prefix)) + 1; ; number++) {
      const folder = join(parent, `${prefix}${number}`);
      try {
        await mkdir(folder);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') continue; // another process was faster
        throw error;
      }
      await syncFolder(parent);
      return folder;
    }
  } catch (error) {
    throw await explain(join(parent, `${prefix}1`), resolve(parent), error, 0);
  }
}

/** So long no write takes that is still going on, milliseconds. */
const LEFTOVER_AGE_MS = 10 * 60_000;

/** Removes what killed processes left of their writes in a folder. What cannot be removed stays: nothing depends on it. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((entry) => /^\.bneck-.+\.tmp$/.test(entry))) {
    const path = join(folder, name);
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > LEFTOVER_AGE_MS) await rm(path, { force: true }).catch(() => {});
  }
}
