/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors): 8 bytes of header
 * length, little-endian; then JSON that gives each tensor's element type, shape and place in the
 * data; then the data. Nothing in a file is believed before it is checked here, and nothing is
 * allocated by a number read from it. What comes out is sound: every tensor lies inside the data, is
 * as long as its shape says, and the tensors cover the data exactly, without a hole or an overlap.
 */
import { BneckError } from '../base/errors.ts';
import { ELEMENT_TYPES, type ElementType } from './element-types.ts';
import { type HeaderValue, parseHeaderJson } from './header-json.ts';
import { quote } from './quote.ts';

/** The official library's limit, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;
/** As many dimensions as PyTorch and NumPy can compute with. */
export const MAX_DIMENSIONS = 64;
export const LENGTH_BYTES = 8;
export const METADATA_KEY = '__metadata__';

export interface TensorEntry {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  /** Where the tensor's bytes begin and end, from the start of the file. */
  readonly beginBytes: number;
  readonly endBytes: number;
}

export interface SafetensorsHeader {
  /** In the order of the header. */
  readonly entries: readonly TensorEntry[];
  /** Has no prototype, so that no key has a meaning of its own. */
  readonly metadata: Record<string, string>;
}

const AGAIN = 'Copy or download the file again.';
const SAVE_AGAIN = 'Save it again with safetensors or bneck.';

function refuse(name: string, problem: string, remedy: string): never {
  throw new BneckError('file', `${name}: ${problem}. ${remedy}`);
}

/** Says what a file is that was taken for safetensors by mistake. */
function otherKind(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  if (start.startsWith('PK\x03\x04')) return 'a zip archive, as PyTorch writes it (.pth, .pt)';
  if (start[0] === '\x80' && '\x02\x03\x04\x05'.includes(start[1] ?? '-'))
    return 'a Python pickle, as old versions of PyTorch write it (.pth, .pt)';
  if (start.startsWith('version https://')) return 'a Git LFS pointer; fetch the real file with `git lfs pull`';
  if (start.startsWith('\x89HDF')) return 'an HDF5 file, as Keras writes it (.h5)';
  if (/^\s*<[!a-z]/i.test(start)) return 'a web page; the download address is not that of the file itself';
  return undefined;
}

/** The header's text, and where the data begins. */
function headerText(bytes: Uint8Array, name: string): { text: string; dataStart: number } {
  if (bytes.length < LENGTH_BYTES) {
    refuse(name, `${bytes.length} bytes are too few for a safetensors file`, AGAIN);
  }
  const lengths = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = lengths.getUint32(4, true) * 2 ** 32 + lengths.getUint32(0, true);
  const dataStart = LENGTH_BYTES + length;
  if (length > MAX_HEADER_BYTES || dataStart > bytes.length) {
    const kind = otherKind(bytes);
    if (kind !== undefined) refuse(name, `not a safetensors file but ${kind}`, 'Give a .safetensors file.');
    if (length > MAX_HEADER_BYTES) {
      refuse(name, `the header length is ${length} bytes, more than any safetensors file has`, AGAIN);
    }
    refuse(name, `the header is ${length} bytes long but only ${bytes.length - LENGTH_BYTES} follow`, AGAIN);
  }
  if (bytes[LENGTH_BYTES] !== 0x7b) refuse(name, 'the header does not begin with a brace (byte 8)', AGAIN);
  // A copy, for TextDecoder refuses shared memory in some hosts.
  const copy = new Uint8Array(bytes.subarray(LENGTH_BYTES, dataStart));
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(copy), dataStart };
  } catch {
    return refuse(name, 'the header is not UTF-8 text', AGAIN);
  }
}

function parseMetadata(value: HeaderValue, name: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (!(value instanceof Map)) return refuse(name, `the header's ${METADATA_KEY} is not an object`, SAVE_AGAIN);
  for (const [key, text] of value) {
    if (typeof text !== 'string') refuse(name, `the header's metadata ${quote(key)} is not a string`, SAVE_AGAIN);
    metadata[key] = text;
  }
  return metadata;
}

/** The number of elements, or undefined where it is no safe integer. */
function checkedElementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

function isIntegers(value: HeaderValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** One tensor's line of the header, checked by itself; `dataBytes` is the length of the data. */
function parseEntry(
  tensor: string,
  value: HeaderValue,
  file: { name: string; dataStart: number; dataBytes: number },
): TensorEntry {
  const fail = (problem: string, remedy = SAVE_AGAIN) =>
    refuse(file.name, `tensor ${quote(tensor)} in the header ${problem}`, remedy);
  if (!(value instanceof Map)) return fail('is not an object');
  for (const key of value.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') fail(`has an unknown key ${quote(key)}`);
  }
  const dtype = value.get('dtype');
  if (typeof dtype !== 'string') return fail('has no dtype');
  const elementType = ELEMENT_TYPES.get(dtype);
  if (elementType === undefined) {
    return fail(`has dtype ${quote(dtype)}`, `Convert it to one of ${[...ELEMENT_TYPES.keys()].join(', ')}.`);
  }
  const shape = value.get('shape');
  if (!isIntegers(shape)) return fail('has no shape of integers');
  if (shape.length > MAX_DIMENSIONS) fail(`has ${shape.length} dimensions, more than ${MAX_DIMENSIONS}`);
  const offsets = value.get('data_offsets');
  if (!isIntegers(offsets) || offsets.length !== 2) return fail('has no data_offsets of two integers');
  const [begin, end] = offsets as [number, number];
  if (begin > end) fail(`ends (${end}) before it begins (${begin})`);
  if (end > file.dataBytes) {
    fail(`ends at byte ${end} of the data, which has only ${file.dataBytes}: the file is cut off`, AGAIN);
  }
  const count = checkedElementCount(shape);
  // end - begin is below the file's length, so a count whose bytes pass 2^53 cannot be equal by rounding.
  if (count === undefined || count * elementType.bytes !== end - begin) {
    fail(`has ${end - begin} bytes, which is not shape [${shape.join(', ')}] times ${elementType.bytes} (${dtype})`);
  }
  const place = { beginBytes: file.dataStart + begin, endBytes: file.dataStart + end };
  return { name: tensor, elementType, shape, ...place };
}

/** Tensors must follow one another without a gap: data that no tensor names could hide anything. */
function checkCover(entries: readonly TensorEntry[], dataStart: number, fileBytes: number, name: string): void {
  const inOrder = [...entries].sort((a, b) => a.beginBytes - b.beginBytes || a.endBytes - b.endBytes);
  let covered = dataStart;
  for (const entry of inOrder) {
    const tensor = quote(entry.name);
    if (entry.beginBytes < covered) refuse(name, `tensor ${tensor} overlaps the one before it`, SAVE_AGAIN);
    if (entry.beginBytes > covered) {
      refuse(name, `${entry.beginBytes - covered} bytes before tensor ${tensor} belong to no tensor`, SAVE_AGAIN);
    }
    covered = entry.endBytes;
  }
  if (covered !== fileBytes) {
    refuse(name, `the last ${fileBytes - covered} bytes of the file belong to no tensor`, AGAIN);
  }
}

/**
 * Reads and checks the header of a whole file.
 * @param bytes the file; its data is not looked at, only its length
 * @param name what to call the file in errors
 * @throws BneckError `file`, with the place in the header and what to do
 */
export function parseSafetensorsHeader(bytes: Uint8Array, name: string): SafetensorsHeader {
  const { text, dataStart } = headerText(bytes, name);
  const members = parseHeaderJson(text, (problem, position) =>
    refuse(name, `the header is damaged at character ${position}: ${problem}`, AGAIN),
  );
  if (!(members instanceof Map)) return refuse(name, 'the header is not an object', AGAIN);
  const metadata = parseMetadata(members.get(METADATA_KEY) ?? new Map(), name);
  const file = { name, dataStart, dataBytes: bytes.length - dataStart };
  const entries: TensorEntry[] = [];
  for (const [tensor, value] of members) {
    if (tensor !== METADATA_KEY) entries.push(parseEntry(tensor, value, file));
  }
  checkCover(entries, dataStart, bytes.length, name);
  return { entries, metadata };
}
