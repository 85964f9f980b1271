/**
 * What PyTorch's pickles mean: the short list of globals and persistent ids that become tensors and
 * containers. Every other global becomes a stand-in (`PickleOpaque`) with a name and nothing else: a
 * checkpoint may carry options, schedulers or whole classes beside its weights, and they do no harm
 * where nothing is ever built or called. Invariant: a `PytorchTensor` that comes out of here lies inside
 * its storage, and its storage is as long as the file says.
 * Source: torch/_utils.py (`_rebuild_*`) and torch/serialization.py (`persistent_id`).
 */
import type { PickleCaller, PickleHooks } from './pickle-machine.ts';
import {
  kindOf,
  type PickleDict,
  PickleGlobal,
  PickleOpaque,
  PickleTuple,
  type PickleValue,
  setKey,
} from './pickle-values.ts';
import { PYTORCH_DTYPES, type PytorchDType, PytorchStorage, PytorchTensor, viewProblem } from './pytorch-tensor.ts';
import { quote } from './quote.ts';

/** As many dimensions as PyTorch computes with. */
const MAX_DIMENSIONS = 64;

/** The storage classes by name; their module differs by version and device. An untyped one counts bytes. */
const STORAGE_TYPES: ReadonlyMap<string, string> = new Map([
  ['FloatStorage', 'float32'],
  ['DoubleStorage', 'float64'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['UntypedStorage', 'uint8'],
  ['BoolStorage', 'bool'],
  ['ComplexFloatStorage', 'complex64'],
  ['ComplexDoubleStorage', 'complex128'],
  ['QUInt8Storage', 'quint8'],
  ['QInt8Storage', 'qint8'],
  ['QInt32Storage', 'qint32'],
]);

const STORAGE_CLASS = /^torch(?:\.[a-z_]+)*\.([A-Za-z0-9]+Storage)$/;

/** Classes that are no more than a tensor; `_rebuild_from_type_v2` names one when it has attributes. */
const TENSOR_CLASSES: readonly string[] = [
  'torch.Tensor',
  'torch._tensor.Tensor',
  'torch.nn.parameter.Parameter',
  'torch.nn.parameter.Buffer',
];

/** What a file's storages are; told of each that the pickle names, and throws through `fail` where it cannot be. */
export type CheckStorage = (storage: PytorchStorage, fail: PickleCaller['fail']) => void;

export interface PytorchPickle {
  readonly hooks: PickleHooks;
  /** The classes and functions in whose place stand-ins were put, in the order of the file. */
  readonly opaqueSources: ReadonlySet<string>;
}

function isNatural(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function naturals(value: PickleValue | undefined, what: string, caller: PickleCaller): readonly number[] {
  const items = value instanceof PickleTuple ? value.items : value;
  if (!Array.isArray(items)) return caller.fail(`a tensor whose ${what} are ${kindOf(value)}`);
  if (items.length > MAX_DIMENSIONS) caller.fail(`a tensor with ${items.length} ${what}, more than ${MAX_DIMENSIONS}`);
  for (const item of items) {
    if (!isNatural(item)) caller.fail(`a tensor whose ${what} are not all integers from 0 to 2^53 - 1`);
  }
  return items as readonly number[];
}

/** `storage, offset, sizes, strides` and what follows; undefined where no storage is given, as for stand-ins. */
function rebuildTensor(
  args: readonly PickleValue[],
  caller: PickleCaller,
  type?: PytorchDType,
): PytorchTensor | undefined {
  const [storage, offset] = args;
  if (storage instanceof PickleOpaque) return undefined;
  if (!(storage instanceof PytorchStorage)) return caller.fail(`a tensor in ${kindOf(storage)} for a storage`);
  if (!isNatural(offset)) return caller.fail('a tensor whose offset is no integer from 0 to 2^53 - 1');
  const shape = naturals(args[2], 'sizes', caller);
  const strides = naturals(args[3], 'strides', caller);
  const tensor = new PytorchTensor(storage, type ?? storage.dtype, offset, shape, strides);
  const problem = viewProblem(tensor);
  if (problem !== undefined) caller.fail(`a tensor outside its storage: ${problem}`);
  return tensor;
}

/** The seventh argument says that elements are to be negated or conjugated when read: PyTorch's lazy views. */
function isLazy(metadata: PickleValue | undefined): boolean {
  return metadata !== undefined && metadata !== null && !(metadata instanceof Map && metadata.size === 0);
}

function orderedDict(args: readonly PickleValue[], caller: PickleCaller): PickleDict {
  caller.spend(2);
  const dict: PickleDict = new Map();
  const [pairs] = args;
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) return caller.fail(`an OrderedDict of ${kindOf(pairs)}`);
  caller.spend(pairs.length);
  for (const pair of pairs as PickleValue[]) {
    const items = pair instanceof PickleTuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) caller.fail('an OrderedDict of something other than pairs');
    const [key, value] = items as [PickleValue, PickleValue];
    setKey(dict, key, value);
  }
  return dict;
}

type Construct = (args: readonly PickleValue[], caller: PickleCaller) => PickleValue | undefined;

const REBUILD: ReadonlyMap<string, Construct> = new Map<string, Construct>([
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', (args, caller) => (isLazy(args[6]) ? undefined : rebuildTensor(args, caller))],
  [
    'torch._utils._rebuild_tensor_v3',
    (args, caller) => {
      const type = args[6] instanceof PickleGlobal ? PYTORCH_DTYPES.get(args[6].path.replace('torch.', '')) : undefined;
      return isLazy(args[7]) || type === undefined ? undefined : rebuildTensor(args, caller, type);
    },
  ],
  ['torch._utils._rebuild_parameter', (args) => (args[0] instanceof PytorchTensor ? args[0] : undefined)],
  ['torch._utils._rebuild_parameter_with_state', (args) => (args[0] instanceof PytorchTensor ? args[0] : undefined)],
]);

/** `function, class, arguments, attributes`: the tensor, where function and class are known; attributes are dropped. */
const rebuildFromType: Construct = ([callee, type, args], caller) => {
  if (!(callee instanceof PickleGlobal && type instanceof PickleGlobal && args instanceof PickleTuple))
    return undefined;
  return TENSOR_CLASSES.includes(type.path) ? REBUILD.get(callee.path)?.(args.items, caller) : undefined;
};

const ALLOWED: ReadonlyMap<string, Construct> = new Map<string, Construct>([
  ...REBUILD,
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['torch.tensor._rebuild_from_type_v2', rebuildFromType],
  ['collections.OrderedDict', orderedDict],
  ['collections.defaultdict', (_, caller) => orderedDict([], caller)],
  ['torch.Size', ([sizes]) => (sizes instanceof PickleTuple ? sizes : undefined)],
]);

/** Stand-ins too, but not worth naming: plain values that bneck has no use for. */
const PLAIN = new Set(
  ['set', 'frozenset'].flatMap((name) => [`builtins.${name}`, `__builtin__.${name}`]).concat('torch.device'),
);

/** `'storage', class, key, device, count` and, in the old format, a part of it: `key, offset, count` or None. */
function readStorage(id: PickleValue, check: CheckStorage, caller: PickleCaller): PytorchStorage {
  const items = id instanceof PickleTuple ? id.items : [];
  const [tag, type, key, device, count, part] = items;
  if (tag !== 'storage' || items.length < 5 || items.length > 6) {
    return caller.fail('a persistent id that is not that of a storage');
  }
  if (!(type instanceof PickleGlobal)) return caller.fail(`a storage whose class is ${kindOf(type)}`);
  const dtype = PYTORCH_DTYPES.get(STORAGE_TYPES.get(STORAGE_CLASS.exec(type.path)?.[1] ?? '') ?? '');
  if (dtype === undefined) return caller.fail(`a storage of class ${quote(type.path)}, which is not known`);
  if (typeof key !== 'string') return caller.fail(`a storage whose key is ${kindOf(key)}`);
  if (typeof device !== 'string') return caller.fail(`a storage whose device is ${kindOf(device)}`);
  if (!isNatural(count) || !Number.isSafeInteger(count * dtype.bytes)) {
    return caller.fail('a storage whose size is no integer from 0 to 2^53 - 1');
  }
  const storage = new PytorchStorage(key, dtype, 0, count);
  check(storage, caller.fail.bind(caller));
  if (part === undefined || part === null) return storage;
  const [partKey, offset, partCount] = part instanceof PickleTuple ? part.items : [];
  if (typeof partKey !== 'string' || !isNatural(offset) || !isNatural(partCount) || offset + partCount > count) {
    return caller.fail('a part of a storage that is not inside it');
  }
  return new PytorchStorage(key, dtype, offset * dtype.bytes, partCount);
}

/**
 * The hooks for one pickle of PyTorch.
 * @param check is told of each storage
 * @param refuse throws with a problem and the byte of the pickle where it is
 */
export function pytorchPickle(
  check: CheckStorage,
  refuse: (problem: string, position: number) => never,
): PytorchPickle {
  const opaqueSources = new Set<string>();
  return {
    opaqueSources,
    hooks: {
      construct: (callee, args, caller) => {
        const result = ALLOWED.get(callee.path)?.(args, caller);
        if (result !== undefined) return result;
        if (!PLAIN.has(callee.path)) opaqueSources.add(callee.path);
        return new PickleOpaque(callee.path);
      },
      persistent: (id, caller) => {
        // The old format wraps a module's class so, with its source, which is not looked at.
        if (id instanceof PickleTuple && id.items[0] === 'module' && id.items[1] instanceof PickleGlobal) {
          return id.items[1];
        }
        return readStorage(id, check, caller);
      },
      fail: refuse,
    },
  };
}
