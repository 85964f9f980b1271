import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BneckError } from './errors.ts';
import { createFolder, nextNumberedFolder, removeLeftovers, writeFileAtomic } from './write-file.node.ts';

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  return { ...real, open: vi.fn(real.open), rename: vi.fn(real.rename), mkdir: vi.fn(real.mkdir) };
});

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bneck-write-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.clearAllMocks();
});

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made up for this test`), { code });
}

/** The next file opened fails in `method`; all else is real. */
async function failNextHandle(method: 'writeFile' | 'sync', code: string): Promise<void> {
  const { open } = await vi.importActual<typeof fs>('node:fs/promises');
  vi.mocked(fs.open).mockImplementationOnce(async (...args) => {
    const handle = await open(...args);
    handle[method] = () => Promise.reject(systemError(code));
    return handle;
  });
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(BneckError);
  expect(error.code).toBe('file');
  expect(error.message).not.toContain('\n');
  return error.message;
}

test('writes bytes, text and parts, replaces what was there, and leaves nothing else', async () => {
  const path = join(folder, 'a.bin');
  await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  await writeFileAtomic(path, [Uint8Array.of(9), new Uint8Array(0), Uint8Array.of(8, 7)]);
  expect([...readFileSync(path)]).toEqual([9, 8, 7]);
  await writeFileAtomic(path, 'grüße');
  expect(readFileSync(path, 'utf8')).toBe('grüße');
  await writeFileAtomic(path, []);
  expect(readFileSync(path).length).toBe(0);
  expect(readdirSync(folder)).toEqual(['a.bin']);
});

test('a name as long as names may be can be written', async () => {
  const name = 'n'.repeat(255);
  await writeFileAtomic(join(folder, name), 'x');
  expect(readdirSync(folder)).toEqual([name]);
  expect(await failure(writeFileAtomic(join(folder, `${name}n`), 'x'))).toMatch(/name is too long/);
});

test('many writers of one file leave one of their texts whole', async () => {
  const path = join(folder, 'shared');
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(100_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(readFileSync(path, 'utf8'));
  expect(readdirSync(folder)).toEqual(['shared']);
});

test('syncs the file before the rename, and the folder after it', async () => {
  const calls: string[] = [];
  const { open, rename } = await vi.importActual<typeof fs>('node:fs/promises');
  vi.mocked(fs.open).mockImplementation(async (...args) => {
    const handle = await open(...args);
    const sync = handle.sync.bind(handle);
    handle.sync = () => {
      calls.push(args[0] === folder ? 'sync folder' : 'sync file');
      return sync();
    };
    return handle;
  });
  vi.mocked(fs.rename).mockImplementationOnce((...args) => {
    calls.push('rename');
    return rename(...args);
  });
  await writeFileAtomic(join(folder, 'a'), 'x');
  vi.mocked(fs.open).mockImplementation(open);
  if (process.platform !== 'win32') expect(calls).toEqual(['sync file', 'rename', 'sync folder']);
});

test.skipIf(process.platform === 'win32')('keeps permissions and symbolic links', async () => {
  const path = join(folder, 'private');
  const link = join(folder, 'link');
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  symlinkSync('private', link);
  await writeFileAtomic(link, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder).sort()).toEqual(['link', 'private']);
});

test('a full disk, in any step, leaves the old file and no other', async () => {
  const path = join(folder, 'model');
  writeFileSync(path, 'old');
  for (const method of ['writeFile', 'sync'] as const) {
    await failNextHandle(method, 'ENOSPC');
    const message = await failure(writeFileAtomic(path, new Uint8Array(12345)));
    expect(message).toContain(path);
    expect(message).toMatch(/disk is full: 12345 bytes needed, [0-9]+ are free/);
  }
  vi.mocked(fs.rename).mockRejectedValueOnce(systemError('ENOSPC'));
  await failure(writeFileAtomic(path, 'new'));
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['model']);
});

test('says what the file system refused', async () => {
  const path = join(folder, 'model');
  const refused: [string, RegExp][] = [
    ['EACCES', /folder .* is not writable/],
    ['EPERM', /not permitted/],
    ['EROFS', /read-only file system/],
    ['EDQUOT', /quota/],
    ['EMFILE', /too many files/],
    ['EIO', /EIO: made up/],
  ];
  for (const [code, pattern] of refused) {
    vi.mocked(fs.open).mockRejectedValueOnce(systemError(code));
    const message = await failure(writeFileAtomic(path, 'x'));
    expect(message).toMatch(pattern);
    expect(message).toContain(path);
  }
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'folder'));
  expect(await failure(writeFileAtomic(join(folder, 'no', 'where'), 'x'))).toMatch(/does not exist/);
  expect(await failure(writeFileAtomic(join(folder, 'file', 'where'), 'x'))).toMatch(/is a file, not a folder/);
  expect(await failure(writeFileAtomic(join(folder, 'folder'), 'x'))).toMatch(/it is a folder/);
  expect(await failure(writeFileAtomic(join(folder, 'nul\0'), 'x'))).toMatch(/could not be written/);
  expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
});

test.skipIf(process.platform === 'win32')('never replaces a device', async () => {
  const link = join(folder, 'null');
  symlinkSync('/dev/null', link);
  expect(await failure(writeFileAtomic(link, 'x'))).toMatch(/not a plain file/);
});

test('a folder that cannot be synced is no failure', async () => {
  const { open } = await vi.importActual<typeof fs>('node:fs/promises');
  vi.mocked(fs.open).mockImplementationOnce(open).mockRejectedValueOnce(systemError('EINVAL'));
  await writeFileAtomic(join(folder, 'a'), 'x');
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('x');
});

test('creates folders, also those that exist', async () => {
  const path = join(folder, 'a', 'b', 'c');
  await createFolder(path);
  await createFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
  writeFileSync(join(folder, 'file'), '');
  expect(await failure(createFolder(join(folder, 'file')))).toMatch(/in the way/);
  expect(await failure(createFolder(join(folder, 'file', 'a')))).toMatch(/is a file, not a folder/);
  await createFolder('/');
  await Promise.all(Array.from({ length: 10 }, () => createFolder(join(folder, 'x', 'y', 'z'))));
  expect(statSync(join(folder, 'x', 'y', 'z')).isDirectory()).toBe(true);
});

test.runIf(process.platform === 'linux')(
  'a parent that can never be created is refused, not tried for ever',
  async () => {
    expect(await failure(createFolder('/proc/bneck/a/b'))).toMatch(/could not be written/);
  },
);

test('numbered folders follow the largest, and no two callers get the same', async () => {
  const runs = join(folder, 'deep', 'runs');
  expect(await nextNumberedFolder(runs)).toBe(join(runs, '1'));
  mkdirSync(join(runs, '7'));
  mkdirSync(join(runs, '20240101123456'));
  writeFileSync(join(runs, '9'), 'a file counts too');
  for (const other of ['010', '8b', 'x11', '1e3', '-12']) mkdirSync(join(runs, other));
  expect(await nextNumberedFolder(runs)).toBe(join(runs, '10'));
  expect(await nextNumberedFolder(runs, 'fold-')).toBe(join(runs, 'fold-1'));
  const made = await Promise.all(Array.from({ length: 30 }, () => nextNumberedFolder(runs)));
  expect(new Set(made).size).toBe(30);
  await expect(nextNumberedFolder(runs, '../')).rejects.toThrow(/not part of a name/);
  vi.mocked(fs.mkdir)
    .mockImplementationOnce(async () => undefined)
    .mockRejectedValueOnce(systemError('EROFS'));
  expect(await failure(nextNumberedFolder(runs))).toMatch(/read-only/);
});

test('leftovers of killed writes go once they are old; nothing else does', async () => {
  const names = ['.bneck-1.tmp', '.bneck-2.tmp', '.bneck-.tmp', 'bneck-3.tmp', 'metrics.csv'];
  for (const name of names) writeFileSync(join(folder, name), 'text');
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const name of names.slice(1)) utimesSync(join(folder, name), hourAgo, hourAgo);
  await removeLeftovers(folder);
  expect(readdirSync(folder).sort()).toEqual(['.bneck-.tmp', '.bneck-1.tmp', 'bneck-3.tmp', 'metrics.csv']);
  await removeLeftovers(join(folder, 'not there'));
});
