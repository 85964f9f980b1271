/**
 * ZIP archives whose entries are stored as they are, which is how PyTorch writes them: the archive
 * serves it as a table of contents, not for compression. Bytes of a compressed entry are refused, so
 * nothing read here can grow. The central directory at the end is believed only where it agrees with the
 * header in front of each entry. What comes out is sound: names are unique, every entry lies inside
 * the file before the directory, and no two share a byte. ZIP64 is read, for PyTorch always writes it.
 * Source: APPNOTE.TXT 6.3.10, PKWARE.
 */
import { quote } from './quote.ts';
import { crc32 } from './zip-crc32.ts';

export interface ZipEntry {
  readonly name: string;
  /** 0 where the writer left it out, as torch.serialization.set_crc32_options(False) does. */
  readonly crc32: number;
  /** Where the entry's bytes begin and end, from the start of the file. */
  readonly beginBytes: number;
  readonly endBytes: number;
  /** Whether the bytes are the content itself, neither compressed nor encrypted. */
  readonly isStored: boolean;
}

/** Reports what is wrong; never returns. */
export type ZipFailure = (problem: string) => never;

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const END_RECORD_64 = 0x06064b50;
const END_LOCATOR_64 = 0x07064b50;
const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_RECORD_BYTES = 22;
const END_RECORD_64_BYTES = 56;
const END_LOCATOR_64_BYTES = 20;
const ZIP64_EXTRA = 1;
/** Instead of a 32-bit number that stands in a ZIP64 field. */
const ELSEWHERE = 0xffffffff;
const FLAG_ENCRYPTED = 1;
const FLAG_SIZES_FOLLOW = 8;
/** A storage of a tensor is an entry; the largest checkpoints have some ten thousand. */
const MAX_ENTRIES = 100_000;

interface Directory {
  readonly entryCount: number;
  readonly beginBytes: number;
  readonly endBytes: number;
}

/** An entry as the central directory has it. */
interface Listed {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly crc32: number;
  /** In the file, compressed or not. */
  readonly storedBytes: number;
  readonly sizeBytes: number;
  readonly headerBegin: number;
  readonly method: number;
  readonly isEncrypted: boolean;
}

class ZipReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly fail: ZipFailure;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, fail: ZipFailure) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fail = fail;
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  /** 64 bits as a number; above 2^53 it is rounded, and larger than any file. */
  u64(at: number): number {
    return this.u32(at + 4) * 2 ** 32 + this.u32(at);
  }

  isAt(signature: number, at: number): boolean {
    return at >= 0 && at + 4 <= this.bytes.length && this.u32(at) === signature;
  }

  text(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes.slice()); // a copy, for some hosts refuse shared memory
    } catch {
      return this.fail('the name of an entry is not UTF-8');
    }
  }
}

/** The end records, at the very end of the file. */
function readEnd(zip: ZipReader): Directory {
  const end = zip.bytes.length - END_RECORD_BYTES;
  if (!zip.isAt(END_RECORD, end)) {
    return zip.fail(
      'the table of contents at the end of the file is missing, so the file is cut off or goes on too long',
    );
  }
  const directory = {
    entryCount: zip.u16(end + 10),
    sizeBytes: zip.u32(end + 12),
    beginBytes: zip.u32(end + 16),
    endBytes: end,
  };
  if (zip.u32(end + 4) !== 0 || zip.u16(end + 8) !== directory.entryCount) zip.fail('it is one of several parts');
  if (zip.u16(end + 20) !== 0) zip.fail('its last record claims a comment that is not there');
  const locator = end - END_LOCATOR_64_BYTES;
  if (zip.isAt(END_LOCATOR_64, locator)) {
    const at = zip.u64(locator + 8);
    const sound = Number.isSafeInteger(at) && at + END_RECORD_64_BYTES <= locator && zip.isAt(END_RECORD_64, at);
    if (!sound || at + 12 + zip.u64(at + 4) !== locator) zip.fail('its ZIP64 end record is not where it should be');
    if (zip.u32(at + 16) !== 0 || zip.u32(at + 20) !== 0) zip.fail('it is one of several parts');
    const wide = { entryCount: zip.u64(at + 32), sizeBytes: zip.u64(at + 40), beginBytes: zip.u64(at + 48) };
    const agrees = (narrow: number, found: number, elsewhere: number) => narrow === found || narrow === elsewhere;
    if (
      zip.u64(at + 24) !== wide.entryCount ||
      !agrees(directory.entryCount, wide.entryCount, 0xffff) ||
      !agrees(directory.sizeBytes, wide.sizeBytes, ELSEWHERE) ||
      !agrees(directory.beginBytes, wide.beginBytes, ELSEWHERE)
    ) {
      zip.fail('its two end records contradict each other');
    }
    Object.assign(directory, wide, { endBytes: at });
  }
  // Exact in doubles: a sum above 2^53 is larger than any file, whatever it rounds to.
  if (directory.beginBytes + directory.sizeBytes !== directory.endBytes) {
    zip.fail('the place and size of its table of contents are wrong');
  }
  return directory;
}

/** The sizes and the place, taken from the ZIP64 field where the header says `ELSEWHERE`. */
function readSizes(zip: ZipReader, at: number, extraBegin: number, extraEnd: number): [number, number, number] {
  const numbers: [number, number, number] = [zip.u32(at + 24), zip.u32(at + 20), zip.u32(at + 42)];
  if (!numbers.includes(ELSEWHERE)) return numbers;
  for (let field = extraBegin; field + 4 <= extraEnd; field += 4 + zip.u16(field + 2)) {
    if (zip.u16(field) !== ZIP64_EXTRA) continue;
    let next = field + 4;
    const end = Math.min(next + zip.u16(field + 2), extraEnd);
    for (const [index, number] of numbers.entries()) {
      if (number !== ELSEWHERE) continue;
      if (next + 8 > end) zip.fail('the ZIP64 field of an entry is cut off');
      numbers[index] = zip.u64(next);
      next += 8;
    }
    return numbers;
  }
  return zip.fail('the ZIP64 field of an entry is missing');
}

function readListed(zip: ZipReader, at: number, directoryEnd: number): { listed: Listed; next: number } {
  if (at + CENTRAL_HEADER_BYTES > directoryEnd || !zip.isAt(CENTRAL_HEADER, at)) {
    zip.fail(`its table of contents is damaged at byte ${at}`);
  }
  const nameBegin = at + CENTRAL_HEADER_BYTES;
  const extraBegin = nameBegin + zip.u16(at + 28);
  const extraEnd = extraBegin + zip.u16(at + 30);
  const next = extraEnd + zip.u16(at + 32);
  if (next > directoryEnd) zip.fail(`its table of contents is cut off at byte ${at}`);
  const nameBytes = zip.bytes.subarray(nameBegin, extraBegin);
  const name = zip.text(nameBytes);
  const method = zip.u16(at + 10);
  const [sizeBytes, storedBytes, headerBegin] = readSizes(zip, at, extraBegin, extraEnd);
  if (method === 0 && sizeBytes !== storedBytes) zip.fail(`entry ${quote(name)} is stored, but has two sizes`);
  const isEncrypted = (zip.u16(at + 8) & FLAG_ENCRYPTED) !== 0;
  const sizes = { crc32: zip.u32(at + 16), sizeBytes, storedBytes, headerBegin };
  return { listed: { name, nameBytes, method, isEncrypted, ...sizes }, next };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Holds the header in front of an entry against the directory. */
function checkLocalHeader(zip: ZipReader, listed: Listed, directoryBegin: number): ZipEntry {
  const at = listed.headerBegin;
  const entry = `entry ${quote(listed.name)}`;
  if (!(at + LOCAL_HEADER_BYTES <= directoryBegin) || !zip.isAt(LOCAL_HEADER, at)) {
    zip.fail(`${entry} is not where the table of contents says`);
  }
  const nameBegin = at + LOCAL_HEADER_BYTES;
  const nameEnd = nameBegin + zip.u16(at + 26);
  const beginBytes = nameEnd + zip.u16(at + 28);
  const endBytes = beginBytes + listed.storedBytes;
  if (!(endBytes <= directoryBegin)) zip.fail(`${entry} ends outside the file's data`);
  if (!sameBytes(zip.bytes.subarray(nameBegin, nameEnd), listed.nameBytes)) {
    zip.fail(`${entry} has another name in front of its bytes`);
  }
  const flags = zip.u16(at + 6);
  if (zip.u16(at + 8) !== listed.method || ((flags & FLAG_ENCRYPTED) !== 0) !== listed.isEncrypted) {
    zip.fail(`${entry} is packed otherwise than the table of contents says`);
  }
  const follow = (flags & FLAG_SIZES_FOLLOW) !== 0;
  const agrees = (found: number, wanted: number) => found === wanted || (follow && found === 0);
  const agreesInSize = (found: number, wanted: number) => agrees(found, wanted) || found === ELSEWHERE;
  if (
    !agrees(zip.u32(at + 14), listed.crc32) ||
    !agreesInSize(zip.u32(at + 18), listed.storedBytes) ||
    !agreesInSize(zip.u32(at + 22), listed.sizeBytes)
  ) {
    zip.fail(`${entry} has another size or checksum in front of its bytes`);
  }
  const isStored = listed.method === 0 && !listed.isEncrypted;
  return { name: listed.name, crc32: listed.crc32, beginBytes, endBytes, isStored };
}

/**
 * The entries of a ZIP archive by name, checked as the head of this file says; no entry's bytes are
 * looked at.
 * @param bytes the file
 * @param fail throws, naming the file
 */
export function readZipDirectory(bytes: Uint8Array, fail: ZipFailure): ReadonlyMap<string, ZipEntry> {
  const zip = new ZipReader(bytes, fail);
  const directory = readEnd(zip);
  if (directory.entryCount > MAX_ENTRIES) zip.fail(`it has ${directory.entryCount} entries, more than ${MAX_ENTRIES}`);
  const places: { headerBegin: number; entry: ZipEntry }[] = [];
  const entries = new Map<string, ZipEntry>();
  let at = directory.beginBytes;
  for (let index = 0; index < directory.entryCount; index++) {
    const { listed, next } = readListed(zip, at, directory.endBytes);
    if (entries.has(listed.name)) zip.fail(`the name ${quote(listed.name)} occurs twice`);
    const entry = checkLocalHeader(zip, listed, directory.beginBytes);
    entries.set(entry.name, entry);
    places.push({ headerBegin: listed.headerBegin, entry });
    at = next;
  }
  if (at !== directory.endBytes) zip.fail('its table of contents is longer than its entries');
  places.sort((a, b) => a.headerBegin - b.headerBegin);
  let free = 0;
  for (const { headerBegin, entry } of places) {
    if (headerBegin < free) zip.fail(`entry ${quote(entry.name)} overlaps the one before it`);
    free = entry.endBytes;
  }
  return entries;
}

/** The bytes of an entry, not copied; their checksum is computed where the archive has one. */
export function zipEntryBytes(bytes: Uint8Array, entry: ZipEntry, fail: ZipFailure): Uint8Array {
  if (!entry.isStored) fail(`entry ${quote(entry.name)} is compressed or encrypted`);
  const data = bytes.subarray(entry.beginBytes, entry.endBytes);
  if (entry.crc32 !== 0 && crc32(data) !== entry.crc32) {
    fail(`the bytes of entry ${quote(entry.name)} do not match their checksum`);
  }
  return data;
}
