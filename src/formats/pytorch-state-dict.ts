/**
 * Finds the state_dict in what a PyTorch file holds: the file's object itself, or an entry of a
 * checkpoint, under the names that training scripts give it. Wrappers' prefixes come off, so that the
 * names are those of the bare model. Everything is a walk over Maps with text keys, three deep and each
 * Map once, so neither cycles nor repeated entries cost anything.
 */
import { kindOf, type PickleDict, PickleOpaque, type PickleValue } from './pickle-values.ts';
import { SAVE_STATE_DICT } from './pytorch-archive.ts';
import { PytorchTensor } from './pytorch-tensor.ts';
import { quote } from './quote.ts';

/**
 * Where a checkpoint keeps its weights, the first found is taken. The averaged weights come before the
 * raw ones: a script that keeps an average evaluates it (torchvision's references and timm both do).
 */
export const STATE_DICT_KEYS = [
  'model_ema',
  'state_dict_ema',
  'model',
  'state_dict',
  'model_state_dict',
  'net',
] as const;

/** DistributedDataParallel, DataParallel and AveragedModel wrap with `module`, torch.compile with `_orig_mod`. */
const WRAPPER_PREFIXES = ['module.', '_orig_mod.'];
/** AveragedModel's count of updates, beside `module.*`. */
const AVERAGE_COUNT = 'n_averaged';
/** What a module may keep beside its tensors, of any type. */
const EXTRA_STATE = '_extra_state';
const MAX_DEPTH = 3;
const LISTED = 8;

export interface FoundStateDict {
  /** Keys joined with dots; empty where the file's object is the state_dict itself. */
  readonly key: string;
  /** All keys under which this file has one. */
  readonly candidates: readonly string[];
  readonly tensors: ReadonlyMap<string, PytorchTensor>;
  /** Names in the state_dict that are no tensors of the model, as they are in the file. */
  readonly ignored: readonly string[];
}

/** Reports what is wrong and what to do; never returns. */
export type StateDictFailure = (problem: string, remedy: string, code?: 'unsupported') => never;

/** Every dict that directly holds a tensor under a text key, by its path; breadth first. */
function findCandidates(root: PickleValue): Map<string, PickleDict> {
  const candidates = new Map<string, PickleDict>();
  const visited = new Set<PickleValue>([root]);
  let level: [path: string, dict: PickleDict][] = root instanceof Map ? [['', root]] : [];
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next: typeof level = [];
    for (const [path, dict] of level) {
      for (const [key, value] of dict) {
        if (typeof key !== 'string') continue;
        if (value instanceof PytorchTensor && !candidates.has(path)) candidates.set(path, dict);
        if (!(value instanceof Map) || visited.has(value)) continue;
        visited.add(value);
        next.push([path === '' ? key : `${path}.${key}`, value]);
      }
    }
    level = next;
  }
  return candidates;
}

function list(paths: readonly string[]): string {
  const listed = paths.slice(0, LISTED).map((path) => (path === '' ? 'the top level ("")' : quote(path)));
  return paths.length > LISTED ? `${listed.join(', ')} and ${paths.length - LISTED} more` : listed.join(', ');
}

/** What a stand-in stands for. */
function describeOpaque({ source }: PickleOpaque): string {
  const isTensor = source.startsWith('torch._utils._rebuild');
  return isTensor
    ? `a sparse, quantized, conjugate or otherwise special tensor (${quote(source)})`
    : `an object of ${quote(source)}, which is never built here`;
}

/** Says what the file holds, where it holds no state_dict. */
function describe(root: PickleValue): string {
  if (root instanceof PickleOpaque) return describeOpaque(root);
  if (root instanceof PytorchTensor) return 'a single tensor';
  if (!(root instanceof Map)) return kindOf(root);
  for (const [key, value] of root) {
    if (typeof key === 'string' && value instanceof PickleOpaque) {
      return `a dict without plain tensors, whose ${quote(key)} is ${describeOpaque(value)}`;
    }
  }
  return 'a dict without tensors';
}

function choose(
  candidates: ReadonlyMap<string, PickleDict>,
  wanted: string | undefined,
  root: PickleValue,
  fail: StateDictFailure,
): string {
  const paths = [...candidates.keys()];
  if (paths.length === 0) {
    return fail(`it holds no state_dict but ${describe(root)}`, SAVE_STATE_DICT);
  }
  if (wanted !== undefined) {
    if (candidates.has(wanted)) return wanted;
    return fail(`it has no state_dict under the key ${quote(wanted)}`, `Choose one of: ${list(paths)}.`);
  }
  const known = STATE_DICT_KEYS.find((key) => candidates.has(key));
  if (known !== undefined) return known;
  if (paths.length > 1) fail('it holds several state_dicts', `Choose one by its key: ${list(paths)}.`);
  return paths[0] as string;
}

/** Takes off prefixes that all names have, again and again. */
function unwrap(tensors: Map<string, PytorchTensor>, ignored: string[]): Map<string, PytorchTensor> {
  let result = tensors;
  for (;;) {
    const names = [...result.keys()].filter((name) => name !== AVERAGE_COUNT);
    const prefix = WRAPPER_PREFIXES.find((each) => names.every((name) => name.startsWith(each)));
    if (prefix === undefined || names.length === 0) return result;
    if (result.has(AVERAGE_COUNT)) ignored.push(AVERAGE_COUNT);
    result = new Map(names.map((name) => [name.slice(prefix.length), result.get(name) as PytorchTensor]));
  }
}

/**
 * The state_dict of a file's object.
 * @param wanted a key of a checkpoint, nested ones joined with dots; undefined for the first of STATE_DICT_KEYS,
 *   else the only one there is
 */
export function findStateDict(root: PickleValue, wanted: string | undefined, fail: StateDictFailure): FoundStateDict {
  const candidates = findCandidates(root);
  const key = choose(candidates, wanted, root, fail);
  const tensors = new Map<string, PytorchTensor>();
  const ignored: string[] = [];
  for (const [name, value] of candidates.get(key) as PickleDict) {
    if (typeof name !== 'string') {
      fail('its state_dict has a key that is not text', SAVE_STATE_DICT);
    }
    if (value instanceof PytorchTensor) {
      tensors.set(name, value);
    } else if (value instanceof PickleOpaque && !name.endsWith(EXTRA_STATE)) {
      fail(`entry ${quote(name)} of its state_dict is ${describeOpaque(value)}`, SAVE_STATE_DICT, 'unsupported');
    } else {
      ignored.push(name);
    }
  }
  return { key, candidates: [...candidates.keys()], tensors: unwrap(tensors, ignored), ignored };
}
