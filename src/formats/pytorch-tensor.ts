/**
 * Tensors as a PyTorch file describes them: a view (offset, shape, strides) into a storage that other
 * tensors may share, of one of PyTorch's element types. Here a view is checked against its storage
 * when it is described, and copied out in row-major order when it is wanted; types become float32 or
 * int64 as `element-types.ts` has it. Invariant: no element outside its storage is ever read, and a
 * file's tensors together take no more memory than a small multiple of the file.
 */
import { BneckError } from '../base/errors.ts';
import { elementCount, formatShape, type Tensor } from '../base/tensor.ts';
import { ELEMENT_TYPES, type ElementType } from './element-types.ts';

export interface PytorchDType {
  /** As Python prints it without `torch.`, such as `bfloat16`. */
  readonly name: string;
  readonly bytes: number;
  /** undefined where bneck has no such numbers (complex, quantized, 8-bit floats). */
  readonly elementType: ElementType | undefined;
}

const dtype = (name: string, bytes: number, code?: string): [string, PytorchDType] => [
  name,
  { name, bytes, elementType: code === undefined ? undefined : ELEMENT_TYPES.get(code) },
];

/** By name, without `torch.`. */
export const PYTORCH_DTYPES: ReadonlyMap<string, PytorchDType> = new Map([
  dtype('float32', 4, 'F32'),
  dtype('float64', 8, 'F64'),
  dtype('float16', 2, 'F16'),
  dtype('bfloat16', 2, 'BF16'),
  dtype('int64', 8, 'I64'),
  dtype('int32', 4, 'I32'),
  dtype('int16', 2, 'I16'),
  dtype('int8', 1, 'I8'),
  dtype('uint8', 1, 'U8'),
  dtype('uint16', 2, 'U16'),
  dtype('uint32', 4, 'U32'),
  dtype('bool', 1, 'BOOL'),
  dtype('uint64', 8),
  dtype('complex32', 4),
  dtype('complex64', 8),
  dtype('complex128', 16),
  dtype('float8_e4m3fn', 1),
  dtype('float8_e4m3fnuz', 1),
  dtype('float8_e5m2', 1),
  dtype('float8_e5m2fnuz', 1),
  dtype('quint8', 1),
  dtype('qint8', 1),
  dtype('qint32', 4),
]);

/** Part of a storage: `count` elements from byte `beginBytes` of the storage named `key`. */
export class PytorchStorage {
  readonly key: string;
  readonly dtype: PytorchDType;
  readonly beginBytes: number;
  readonly count: number;

  constructor(key: string, dtype: PytorchDType, beginBytes: number, count: number) {
    this.key = key;
    this.dtype = dtype;
    this.beginBytes = beginBytes;
    this.count = count;
  }

  get byteLength(): number {
    return this.count * this.dtype.bytes;
  }
}

/** A checked view; offset and strides in elements of `dtype`. */
export class PytorchTensor {
  readonly storage: PytorchStorage;
  readonly dtype: PytorchDType;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(
    storage: PytorchStorage,
    dtype: PytorchDType,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** What is wrong with a view, or undefined. Sizes, strides and offset are natural numbers already. */
export function viewProblem(tensor: PytorchTensor): string | undefined {
  const { storage, dtype: type, offset, shape, strides } = tensor;
  if (shape.length !== strides.length) return `${shape.length} sizes but ${strides.length} strides`;
  // One operation at a time, for the product of exact numbers may be no exact number.
  let count = 1;
  let last = offset;
  for (const [axis, size] of shape.entries()) {
    count *= size;
    last += Math.max(size - 1, 0) * (strides[axis] as number);
    if (!Number.isSafeInteger(count) || !Number.isSafeInteger(last)) return 'sizes or strides beyond all storages';
  }
  const held = Math.floor(storage.byteLength / type.bytes);
  if (count > 0 && last >= held) return `its last element is number ${last} of a storage of ${held}`;
  return undefined;
}

/** Limits what all tensors of a file take together; a stride of 0 makes any size out of one element. */
export class MemoryBudget {
  #left: number;

  /** Small integers grow eightfold as int64; the rest is for tensors that share a storage. */
  constructor(fileBytes: number) {
    this.#left = 8 * fileBytes + 32 * 2 ** 20;
  }

  /** Whether so many bytes more are within the limit. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }
}

/** Copies a view's elements to `target`, row-major. */
function gather(tensor: PytorchTensor, source: Uint8Array, target: Uint8Array): void {
  const width = tensor.dtype.bytes;
  // Axes of one element do not matter; those that lie together at the end are copied as one run.
  const axes = tensor.shape
    .map((size, axis) => ({ size, step: (tensor.strides[axis] as number) * width }))
    .filter(({ size }) => size > 1);
  let run = width;
  while (axes.at(-1)?.step === run) run *= axes.pop()?.size ?? 1;
  const inner = axes.pop() ?? { size: 1, step: 0 };
  const index = axes.map(() => 0);
  let from = tensor.storage.beginBytes + tensor.offset * width;
  for (let to = 0; to < target.length; ) {
    for (let i = 0, begin = from; i < inner.size; i++, begin += inner.step, to += run) {
      if (run > 64) target.set(source.subarray(begin, begin + run), to);
      else for (let byte = 0; byte < run; byte++) target[to + byte] = source[begin + byte] as number;
    }
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const { size, step } = axes[axis] as { size: number; step: number };
      index[axis] = (index[axis] as number) + 1;
      from += step;
      if (index[axis] !== size) break;
      index[axis] = 0;
      from -= size * step;
    }
  }
}

/**
 * A tensor of its own, row-major, with float32 or int64 elements. Shares no memory with the file.
 * @param storage all bytes of the storage that the tensor lies in
 * @param place the file and the tensor, for errors
 * @throws BneckError `file`, `unsupported` for other element types, `memory`
 */
export function copyTensor(tensor: PytorchTensor, storage: Uint8Array, place: string, budget: MemoryBudget): Tensor {
  const { elementType, name, bytes } = tensor.dtype;
  if (elementType === undefined) {
    throw new BneckError('unsupported', `${place}: its dtype is ${name}. Convert it to float32 or int64 in Python.`);
  }
  const count = elementCount(tensor.shape);
  if (!budget.take(count * (elementType.dtype === 'float32' ? 4 : 8))) {
    const shape = formatShape(tensor.shape);
    const problem = `with its shape ${shape} the tensors are far larger than the file, by strides of 0 or shared storages`;
    throw new BneckError('file', `${place}: ${problem}. Save tensors made with .clone() in Python.`);
  }
  try {
    const raw = new Uint8Array(count * bytes);
    gather(tensor, storage, raw);
    const data = elementType.decode(raw.buffer, (problem) => {
      throw new BneckError('file', `${place}: ${problem}. Save it again in another dtype, such as float32 or int64.`);
    });
    return { dtype: elementType.dtype, shape: tensor.shape, data };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BneckError('memory', `${place}: no memory to read it. Close other programs, or use a smaller file.`, {
      cause,
    });
  }
}
