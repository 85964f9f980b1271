/**
 * Writes tensors as PyTorch's `torch.save(state_dict, path)` does: a ZIP archive with a pickle (protocol 2) of
 * an OrderedDict and a storage a tensor, at multiples of 64 bytes. The pickle uses only what
 * `torch.load(..., weights_only=True)` allows since PyTorch 1.13. Invariant: equal tensors in equal
 * order give equal bytes; no name of a file or a machine gets in.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type StateDict, type Tensor } from '../base/tensor.ts';
import { quote } from './quote.ts';
import { writeZip } from './zip-writer.ts';

/** PyTorch calls the folder so where it saves to memory. */
const FOLDER = 'archive';
const ALIGNMENT_BYTES = 64;
/** What torch.save writes at present. */
const FORMAT_VERSION = '3\n';
const MAX_DIMENSIONS = 64;
const MAX_NAME_BYTES = 2 ** 20;

/** Globals and words that every tensor needs, written once and recalled by these memo entries. */
const MEMO = { orderedDict: 0, rebuild: 1, storage: 2, device: 3, float32: 4, int64: 5 } as const;

const ASCII = {
  mark: 0x28,
  stop: 0x2e,
  global: 0x63,
  binget: 0x68,
  binput: 0x71,
  setItems: 0x75,
  tuple: 0x74,
  reduce: 0x52,
  emptyTuple: 0x29,
  binpersid: 0x51,
  binint: 0x4a,
  long1: 0x8a,
  binunicode: 0x58,
  newFalse: 0x89,
  proto: 0x80,
} as const;

/** Appends opcodes of protocol 2. */
class PickleWriter {
  readonly #parts: number[] = [];
  readonly #written = new Set<number>();
  readonly #encoder = new TextEncoder();

  opcodes(...names: (keyof typeof ASCII)[]): void {
    for (const name of names) this.#parts.push(ASCII[name]);
  }

  byte(value: number): void {
    this.#parts.push(value);
  }

  #uint32(value: number): void {
    this.#parts.push(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
  }

  text(text: string): void {
    const bytes = this.#encoder.encode(text);
    this.opcodes('binunicode');
    this.#uint32(bytes.length);
    for (const byte of bytes) this.#parts.push(byte);
  }

  /** A natural number below 2^53. */
  integer(value: number): void {
    if (value < 2 ** 31) {
      this.opcodes('binint');
      this.#uint32(value);
    } else {
      // Eight bytes of two's complement, least first.
      this.opcodes('long1');
      this.byte(8);
      this.#uint32(value % 2 ** 32);
      this.#uint32(Math.floor(value / 2 ** 32));
    }
  }

  integers(values: readonly number[]): void {
    this.opcodes('mark');
    for (const value of values) this.integer(value);
    this.opcodes('tuple');
  }

  /** What `write` pushes the first time, recalled from the memo after that. */
  once(memo: number, write: () => void): void {
    if (this.#written.has(memo)) {
      this.opcodes('binget');
      this.byte(memo);
      return;
    }
    write();
    this.opcodes('binput');
    this.byte(memo);
    this.#written.add(memo);
  }

  global(memo: number, module: string, name: string): void {
    this.once(memo, () => {
      this.opcodes('global');
      for (const byte of this.#encoder.encode(`${module}\n${name}\n`)) this.#parts.push(byte);
    });
  }

  word(memo: number, text: string): void {
    this.once(memo, () => this.text(text));
  }

  orderedDict(): void {
    this.global(MEMO.orderedDict, 'collections', 'OrderedDict');
    this.opcodes('emptyTuple', 'reduce');
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

/** `_rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)`. */
function writeTensor(pickle: PickleWriter, tensor: Tensor, key: string): void {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...tensor.shape].reverse()) {
    strides.unshift(stride);
    stride *= Math.max(size, 1); // as PyTorch has it for empty tensors
  }
  pickle.global(MEMO.rebuild, 'torch._utils', '_rebuild_tensor_v2');
  pickle.opcodes('mark', 'mark');
  pickle.word(MEMO.storage, 'storage');
  if (tensor.dtype === 'float32') pickle.global(MEMO.float32, 'torch', 'FloatStorage');
  else pickle.global(MEMO.int64, 'torch', 'LongStorage');
  pickle.text(key);
  pickle.word(MEMO.device, 'cpu');
  pickle.integer(tensor.data.length);
  pickle.opcodes('tuple', 'binpersid');
  pickle.integer(0);
  pickle.integers(tensor.shape);
  pickle.integers(strides);
  pickle.opcodes('newFalse');
  pickle.orderedDict();
  pickle.opcodes('tuple', 'reduce');
}

function checkTensor(name: string, tensor: Tensor): void {
  const place = `Tensor ${quote(name)}`;
  if (!name.isWellFormed() || name.length * 3 > MAX_NAME_BYTES) {
    throw new BneckError('option', `${place} has a name that is too long or holds half a surrogate pair. Rename it.`);
  }
  if (tensor.shape.length > MAX_DIMENSIONS) {
    throw new BneckError('shape', `${place} has more than ${MAX_DIMENSIONS} dimensions. Reshape it.`);
  }
  const sound = tensor.shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!sound || elementCount(tensor.shape) !== tensor.data.length) {
    const found = `${tensor.data.length} elements for shape ${formatShape(tensor.shape)}`;
    throw new BneckError('shape', `${place} has ${found}. Give it as many as its shape.`);
  }
  if (!(tensor.data instanceof (tensor.dtype === 'float32' ? Float32Array : BigInt64Array))) {
    throw new BneckError('shape', `${place} is ${tensor.dtype} but its data is of another type. Convert it.`);
  }
}

/**
 * The bytes of a `.pth` file: an OrderedDict of tensors, in the order of the map, float32 and int64 bit for
 * bit. PyTorch from 1.6 on reads it, from 1.13 on with `weights_only=True`.
 * @throws BneckError `shape` or `option` for tensors or names that the format cannot hold, `unsupported`
 *   above 4 GB, `memory`
 */
export function writePytorch(tensors: StateDict): Uint8Array<ArrayBuffer> {
  const ascii = (text: string) => new TextEncoder().encode(text);
  const pickle = new PickleWriter();
  const storages: { name: string; data: Uint8Array }[] = [];
  pickle.opcodes('proto');
  pickle.byte(2);
  pickle.orderedDict();
  pickle.opcodes('mark');
  for (const [name, tensor] of tensors) {
    checkTensor(name, tensor);
    const { buffer, byteOffset, byteLength } = tensor.data;
    const key = String(storages.length);
    pickle.text(name);
    writeTensor(pickle, tensor, key);
    storages.push({ name: `${FOLDER}/data/${key}`, data: new Uint8Array(buffer, byteOffset, byteLength) });
  }
  pickle.opcodes('setItems', 'stop');
  const entries = [
    { name: `${FOLDER}/data.pkl`, data: pickle.bytes() },
    { name: `${FOLDER}/byteorder`, data: ascii('little') },
    ...storages,
    { name: `${FOLDER}/version`, data: ascii(FORMAT_VERSION) },
  ];
  return writeZip(entries, ALIGNMENT_BYTES);
}
