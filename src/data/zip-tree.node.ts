/**
 * The files in a .zip archive, read in place with yauzl and never unpacked to the disk. Hostile until checked: before
 * any entry is read, names must be relative, sound and unique, entries plain files or folders, not encrypted, apart
 * from each other, and not packed more tightly than pictures are. What is read must have the length and the checksum
 * that the archive states. Invariant: no more than one entry's claimed size is held in memory for a reader.
 */
import { open as openFile } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl';
import { BneckError } from '../base/errors.ts';
import { ArchiveReader } from './archive-reader.node.ts';
import { type FileTree, isHiddenName, type TreeFile } from './file-tree.node.ts';
import { shortened } from './name-list.ts';
import { UNREADABLE_REMEDY } from './unreadable.ts';

const MOST_ENTRIES = 5_000_000;
const LONGEST_NAME = 4096;
const MOST_LEVELS = 64;

/** As for pictures on the disk, see decode.node.ts. */
const PICTURE_LIMIT_BYTES = 512 * 1024 * 1024;

/** What is packed more tightly than this, and large, is no picture: those are compressed already. */
const TIGHTEST = 100;
const LARGE_BYTES = 16 * 1024 * 1024;

/** In front of an entry's name and bytes. */
const LOCAL_HEADER_BYTES = 30;

/** Compression methods: stored and deflated. */
const METHODS: readonly number[] = [0, 8];

/** The type of a file in a Unix mode, and its values for plain files, folders and links. */
const TYPE_MASK = 0o170000;
const PLAIN = 0o100000;
const FOLDER = 0o040000;
const LINK = 0o120000;

function refused(archive: string, problem: string, cause?: unknown): BneckError {
  return new BneckError('file', `${archive}: ${problem}; pack the pictures again`, { cause });
}

/** What is wrong with an entry by itself, or null. */
function problemOf(entry: Entry): string | null {
  const { fileName: name, externalFileAttributes, compressedSize, uncompressedSize, compressionMethod } = entry;
  if (name.length > LONGEST_NAME || name.split('/').length > MOST_LEVELS) return 'has too long a name';
  const path = name.replace(/\/$/, '');
  if (path.includes('\0') || path.split('/').some((part) => part === '' || part === '.')) return 'has an unsound name';
  if (entry.isEncrypted()) return 'is encrypted';
  const type = (externalFileAttributes >>> 16) & TYPE_MASK;
  if (type === LINK) return 'is a symbolic link';
  if (type !== 0 && type !== PLAIN && type !== FOLDER) return 'is neither a file nor a folder';
  if (!METHODS.includes(compressionMethod)) return `is packed in a way that is not read here (${compressionMethod})`;
  if (!Number.isSafeInteger(uncompressedSize)) return 'claims an impossible size';
  if (uncompressedSize > LARGE_BYTES && uncompressedSize > TIGHTEST * compressedSize) {
    return `would unpack to ${uncompressedSize} bytes from ${compressedSize}, as no picture does`;
  }
  return null;
}

/** Entries that share bytes are a way to claim far more than is there. */
function requireApart(archive: string, entries: readonly Entry[], fileSize: number): void {
  const sorted = [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  let free = 0;
  for (const { fileName, relativeOffsetOfLocalHeader, compressedSize } of sorted) {
    if (relativeOffsetOfLocalHeader < free) throw refused(archive, `${shortened(fileName)} overlaps another entry`);
    free = relativeOffsetOfLocalHeader + LOCAL_HEADER_BYTES + compressedSize;
    if (free > fileSize) throw refused(archive, `${shortened(fileName)} ends outside of the file, which is cut off`);
  }
}

/** All entries, checked. @throws BneckError 'file' for what is no sound archive */
async function readEntries(archive: string, zip: ZipFile): Promise<Entry[]> {
  if (zip.entryCount > MOST_ENTRIES)
    throw refused(archive, `claims ${zip.entryCount} entries, more than ${MOST_ENTRIES}`);
  const entries: Entry[] = [];
  const names = new Set<string>();
  for await (const entry of zip.eachEntry()) {
    const problem = problemOf(entry);
    if (problem !== null) throw refused(archive, `${shortened(entry.fileName)} ${problem}`);
    const name = entry.fileName.replace(/\/$/, '');
    if (names.has(name)) throw refused(archive, `${shortened(name)} comes twice`);
    names.add(name);
    entries.push(entry);
  }
  requireApart(archive, entries, zip.fileSize);
  return entries;
}

class ZippedFile implements TreeFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly diskPath = null;
  readonly #archive: string;
  readonly #zip: ZipFile;
  readonly #entry: Entry;

  constructor(archive: string, zip: ZipFile, entry: Entry, modifiedMs: number) {
    this.path = entry.fileName;
    this.bytes = entry.uncompressedSize;
    this.modifiedMs = modifiedMs;
    this.#archive = archive;
    this.#zip = zip;
    this.#entry = entry;
  }

  /** The unpacked bytes; that there are as many as the entry states is yauzl's to check. */
  async *#chunks(): AsyncGenerator<Buffer, void, undefined> {
    let checksum = 0;
    const stream = await this.#zip.openReadStreamPromise(this.#entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
    if (checksum !== this.#entry.crc32) throw new Error('its checksum does not match');
  }

  async read(): Promise<Uint8Array> {
    try {
      if (this.bytes > PICTURE_LIMIT_BYTES) throw new Error(`${this.bytes} bytes are too many for a picture`);
      const chunks: Buffer[] = [];
      for await (const chunk of this.#chunks()) chunks.push(chunk);
      return Buffer.concat(chunks);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BneckError(
        'image',
        `${this.#archive}/${this.path}: damaged in the archive (${reason}); ${UNREADABLE_REMEDY}`,
        {
          cause,
        },
      );
    }
  }

  async open(): Promise<Readable> {
    return Readable.from(this.#chunks(), { objectMode: false });
  }
}

/**
 * Lists an archive's files. The archive stays open, since its files are read later.
 * @throws BneckError 'file' for what is no sound archive, with the entry that stands in the way
 */
export async function zipTree(archive: string): Promise<FileTree> {
  let reader: ArchiveReader | undefined;
  let zip: ZipFile | undefined;
  try {
    const { mtimeMs, size } = await stat(archive);
    reader = new ArchiveReader(await promisify(openFile)(archive, 'r'));
    zip = await fromRandomAccessReaderPromise(reader, size, { autoClose: false });
    zip.on('error', () => {}); // what fails while entries are listed or read is thrown there
    const opened = zip;
    const entries = await readEntries(archive, opened);
    reader.endListing();
    const folders = new Set<string>();
    const files: TreeFile[] = [];
    let hidden = 0;
    for (const entry of entries) {
      const isFolder = entry.fileName.endsWith('/');
      const names = entry.fileName.split('/').slice(0, isFolder ? -1 : undefined);
      if (names.some(isHiddenName)) {
        if (!isFolder) hidden += 1;
        continue;
      }
      for (let level = isFolder ? names.length : names.length - 1; level > 0; level--) {
        folders.add(names.slice(0, level).join('/'));
      }
      if (!isFolder) files.push(new ZippedFile(archive, opened, entry, mtimeMs));
    }
    return { path: archive, files, folders: [...folders], hidden };
  } catch (cause) {
    if (zip === undefined) reader?.close(() => {});
    else zip.close();
    if (cause instanceof BneckError) throw cause;
    const reason = shortened(cause instanceof Error ? cause.message : String(cause));
    throw refused(archive, `is no sound zip archive (${reason})`, cause);
  }
}
