/**
 * Writes a ZIP archive of stored entries, each beginning at a multiple of an alignment from the
 * start of the file, so that a reader can map it into memory. The padding stands in an extra field
 * named FB, as PyTorch has it. Invariant: equal entries in equal order give equal bytes; no date, no
 * host, no permission gets in.
 */
import { BneckError } from '../base/errors.ts';
import { crc32 } from './zip-crc32.ts';

export interface ZipContent {
  /** ASCII, unique; `/` between folders. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** Without ZIP64 a place is a 32-bit number and a count a 16-bit one. */
const MAX_BYTES = 0xffffffff - 1;
const MAX_ENTRIES = 0xffff - 1;
const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_RECORD_BYTES = 22;
const EXTRA_HEADER_BYTES = 4;
const VERSION_NEEDED = 10;
/** 1 January 1980, the first day ZIP knows. */
const DATE = 0x0021;
const PADDING_FIELD = 0x4246; // "FB"
const PADDING_BYTE = 0x5a; // "Z"

interface Place {
  readonly name: Uint8Array;
  readonly data: Uint8Array;
  readonly headerBegin: number;
  readonly dataBegin: number;
  readonly crc32: number;
}

function layOut(entries: readonly ZipContent[], alignmentBytes: number): { places: Place[]; endBytes: number } {
  const places: Place[] = [];
  let headerBegin = 0;
  for (const { name, data } of entries) {
    const nameBytes = new TextEncoder().encode(name);
    const unpadded = headerBegin + LOCAL_HEADER_BYTES + nameBytes.length + EXTRA_HEADER_BYTES;
    const dataBegin = Math.ceil(unpadded / alignmentBytes) * alignmentBytes;
    places.push({ name: nameBytes, data, headerBegin, dataBegin, crc32: crc32(data) });
    headerBegin = dataBegin + data.length;
  }
  return { places, endBytes: headerBegin };
}

function writeLocalHeader(bytes: Uint8Array, view: DataView, place: Place): void {
  const at = place.headerBegin;
  view.setUint32(at, 0x04034b50, true);
  view.setUint16(at + 4, VERSION_NEEDED, true);
  view.setUint16(at + 12, DATE, true);
  view.setUint32(at + 14, place.crc32, true);
  view.setUint32(at + 18, place.data.length, true);
  view.setUint32(at + 22, place.data.length, true);
  view.setUint16(at + 26, place.name.length, true);
  const extraBegin = at + LOCAL_HEADER_BYTES + place.name.length;
  view.setUint16(at + 28, place.dataBegin - extraBegin, true);
  bytes.set(place.name, at + LOCAL_HEADER_BYTES);
  view.setUint16(extraBegin, PADDING_FIELD, true);
  view.setUint16(extraBegin + 2, place.dataBegin - extraBegin - EXTRA_HEADER_BYTES, true);
  bytes.fill(PADDING_BYTE, extraBegin + EXTRA_HEADER_BYTES, place.dataBegin);
  bytes.set(place.data, place.dataBegin);
}

function writeCentralHeader(bytes: Uint8Array, view: DataView, place: Place, at: number): void {
  view.setUint32(at, 0x02014b50, true);
  view.setUint16(at + 4, VERSION_NEEDED, true);
  view.setUint16(at + 6, VERSION_NEEDED, true);
  view.setUint16(at + 14, DATE, true);
  view.setUint32(at + 16, place.crc32, true);
  view.setUint32(at + 20, place.data.length, true);
  view.setUint32(at + 24, place.data.length, true);
  view.setUint16(at + 28, place.name.length, true);
  view.setUint32(at + 42, place.headerBegin, true);
  bytes.set(place.name, at + CENTRAL_HEADER_BYTES);
}

/**
 * The bytes of an archive with these entries in this order.
 * @param alignmentBytes every entry's bytes begin at a multiple of it
 * @throws BneckError `unsupported` above 4 GB or 65,534 entries, `memory` where it does not fit
 */
export function writeZip(entries: readonly ZipContent[], alignmentBytes: number): Uint8Array<ArrayBuffer> {
  const { places, endBytes } = layOut(entries, alignmentBytes);
  const directoryBytes = places.reduce((sum, place) => sum + CENTRAL_HEADER_BYTES + place.name.length, 0);
  const fileBytes = endBytes + directoryBytes + END_RECORD_BYTES;
  if (fileBytes > MAX_BYTES || places.length > MAX_ENTRIES) {
    const found = `${places.length} entries in ${fileBytes} bytes`;
    throw new BneckError('unsupported', `${found} are too many for a .pth file here. Save as .safetensors.`);
  }
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(fileBytes);
  } catch (cause) {
    throw new BneckError('memory', `No memory for a file of ${fileBytes} bytes. Close other programs.`, { cause });
  }
  const view = new DataView(bytes.buffer);
  let at = endBytes;
  for (const place of places) {
    writeLocalHeader(bytes, view, place);
    writeCentralHeader(bytes, view, place, at);
    at += CENTRAL_HEADER_BYTES + place.name.length;
  }
  view.setUint32(at, 0x06054b50, true);
  view.setUint16(at + 8, places.length, true);
  view.setUint16(at + 10, places.length, true);
  view.setUint32(at + 12, directoryBytes, true);
  view.setUint32(at + 16, endBytes, true);
  return bytes;
}
