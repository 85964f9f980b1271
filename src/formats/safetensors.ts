/**
 * safetensors: named tensors and text in one file, the form in which bneck keeps a model. It is
 * the format of Hugging Face (https://github.com/huggingface/safetensors), so Python reads what is
 * written here and the other way round. The header is checked in `safetensors-header.ts`, element
 * types become float32 or int64 in `element-types.ts`. Invariant: what is written and read again is
 * the same bits, names, order and metadata.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type StateDict, type Tensor } from '../base/tensor.ts';
import { quote } from './quote.ts';
import {
  LENGTH_BYTES,
  MAX_DIMENSIONS,
  MAX_HEADER_BYTES,
  METADATA_KEY,
  parseSafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.ts';

/** What one file holds. */
export interface SafetensorsFile {
  /** In the order of the header. */
  readonly tensors: StateDict;
  /** Keys and values as they were written; has no prototype. Empty where the file has none. */
  readonly metadata: Record<string, string>;
}

/** Zeroed memory, where the host has it; the length comes from a file or the caller's tensors. */
function allocate(byteLength: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    const message = `${what}: no memory for ${byteLength} bytes. Close other programs, or use a smaller file.`;
    throw new BneckError('memory', message, { cause });
  }
}

function readTensor(bytes: Uint8Array, entry: TensorEntry, name: string): Tensor {
  const place = `${name}: tensor ${quote(entry.name)}`;
  // Copied, never a view: it may lie at an odd address, and must not change with the file's buffer.
  const raw = allocate(entry.endBytes - entry.beginBytes, place);
  raw.set(bytes.subarray(entry.beginBytes, entry.endBytes));
  const { dtype, decode } = entry.elementType;
  try {
    const data = decode(raw.buffer, (problem) => {
      throw new BneckError('file', `${place}: ${problem}. Save it again in another dtype, such as F32 or I64.`);
    });
    return { dtype, shape: entry.shape, data };
  } catch (cause) {
    // Small elements grow up to eightfold, so a sound file can still be too large.
    if (!(cause instanceof RangeError)) throw cause;
    const message = `${place}: no memory to convert it to ${dtype}. Close other programs, or use a smaller file.`;
    throw new BneckError('memory', message, { cause });
  }
}

/**
 * Reads a whole safetensors file. F32 and I64 come bit for bit; F16, BF16 and F64 become float32;
 * smaller integers and BOOL become int64 (`element-types.ts` says how).
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws BneckError `file` where the bytes are not a sound safetensors file, `memory` where it does not fit
 */
export function readSafetensors(bytes: Uint8Array, name: string): SafetensorsFile {
  const { entries, metadata } = parseSafetensorsHeader(bytes, name);
  const tensors: StateDict = new Map();
  for (const entry of entries) tensors.set(entry.name, readTensor(bytes, entry, name));
  return { tensors, metadata };
}

function headerString(text: string, what: string): string {
  if (typeof text !== 'string') throw new BneckError('option', `${what} is not a string. Convert it to one.`);
  if (!text.isWellFormed()) {
    throw new BneckError('option', `${what} ${quote(text)} holds half a surrogate pair. Remove it.`);
  }
  return JSON.stringify(text);
}

function checkTensor(name: string, tensor: Tensor): void {
  if (name === METADATA_KEY) {
    throw new BneckError('option', `No tensor can be named ${METADATA_KEY} in safetensors. Rename it.`);
  }
  if (tensor.shape.length > MAX_DIMENSIONS) {
    throw new BneckError('shape', `Tensor ${quote(name)} has more than ${MAX_DIMENSIONS} dimensions. Reshape it.`);
  }
  const sound = tensor.shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!sound || elementCount(tensor.shape) !== tensor.data.length) {
    const found = `${tensor.data.length} elements for shape ${formatShape(tensor.shape)}`;
    throw new BneckError('shape', `Tensor ${quote(name)} has ${found}. Give it as many as its shape.`);
  }
  const expected = tensor.dtype === 'float32' ? Float32Array : BigInt64Array;
  if (!(tensor.data instanceof expected)) {
    throw new BneckError('shape', `Tensor ${quote(name)} is ${tensor.dtype} but its data is of another type.`);
  }
}

/**
 * Where each tensor begins in the data. int64 comes before float32, so that every tensor lies at a
 * multiple of its element size, as the official writer has it and as readers that map files need.
 */
function layOut(tensors: StateDict): { begins: Map<string, number>; dataBytes: number } {
  const begins = new Map<string, number>();
  let dataBytes = 0;
  for (const dtype of ['int64', 'float32'] as const) {
    for (const [name, tensor] of tensors) {
      if (tensor.dtype !== dtype) continue;
      begins.set(name, dataBytes);
      dataBytes += tensor.data.byteLength;
    }
  }
  return { begins, dataBytes };
}

/**
 * The bytes of a safetensors file. The header lists the tensors in the order of the map and is
 * padded with spaces to 8 bytes; the data has no gaps. Equal tensors and metadata in equal order
 * give equal bytes.
 * @param metadata text by key; Python reads it with `safe_open(path, 'pt').metadata()`
 * @throws BneckError `shape` or `option` for tensors or text that the format cannot hold, `memory`
 */
export function writeSafetensors(tensors: StateDict, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  const { begins, dataBytes } = layOut(tensors);

  // By hand: an object would move names that look like numbers to the front.
  const members: string[] = [];
  const texts = Object.entries(metadata).map(
    ([key, text]) => `${headerString(key, 'Metadata key')}:${headerString(text, `Metadata ${quote(key)}`)}`,
  );
  if (texts.length > 0) members.push(`"${METADATA_KEY}":{${texts.join(',')}}`);
  for (const [name, { dtype, shape, data }] of tensors) {
    const begin = begins.get(name) as number;
    const offsets = `[${begin},${begin + data.byteLength}]`;
    const kind = dtype === 'float32' ? 'F32' : 'I64';
    const entry = `{"dtype":"${kind}","shape":[${shape.join(',')}],"data_offsets":${offsets}}`;
    members.push(`${headerString(name, 'Tensor name')}:${entry}`);
  }
  const header = new TextEncoder().encode(`{${members.join(',')}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    const limit = `safetensors allows ${MAX_HEADER_BYTES}`;
    throw new BneckError('option', `The header would take ${headerBytes} bytes, ${limit}. Shorten the metadata.`);
  }

  const dataStart = LENGTH_BYTES + headerBytes;
  const bytes = allocate(dataStart + dataBytes, 'safetensors');
  new DataView(bytes.buffer).setUint32(0, headerBytes, true); // the upper four bytes stay 0
  bytes.fill(0x20, LENGTH_BYTES, dataStart);
  bytes.set(header, LENGTH_BYTES);
  for (const [name, { data }] of tensors) {
    const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    bytes.set(view, dataStart + (begins.get(name) as number));
  }
  return bytes;
}
