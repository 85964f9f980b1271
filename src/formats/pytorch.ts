/**
 * `.pth` and `.pt` files, as `torch.save` writes them: named tensors out of either of PyTorch's formats
 * (`pytorch-archive.ts` since version 1.6, `pytorch-legacy.ts` before) and back (`pytorch-writer.ts`). A
 * pickle inside is read as data: nothing that it names is built or called (`pickle.ts`). Invariant: what
 * comes out is exactly the tensors of one state_dict, each copied out of a view that lies inside its
 * storage; whatever a file holds, the outcome is that or a BneckError.
 */
import { BneckError } from '../base/errors.ts';
import type { StateDict } from '../base/tensor.ts';
import { COPY_AGAIN, type PytorchContents, readPytorchArchive } from './pytorch-archive.ts';
import { looksLikePickle, readPytorchLegacy } from './pytorch-legacy.ts';
import { findStateDict } from './pytorch-state-dict.ts';
import { copyTensor, MemoryBudget } from './pytorch-tensor.ts';
import { quote } from './quote.ts';

export { STATE_DICT_KEYS } from './pytorch-state-dict.ts';
export { writePytorch } from './pytorch-writer.ts';

/** Far above any model of the kind; below what hosts hold in one buffer. */
const MAX_FILE_BYTES = 4 * 2 ** 30;
/** A model has some hundreds. */
const MAX_TENSORS = 65_536;

export interface PytorchFile {
  /** In the order of the file, without prefixes of wrappers (`module.`, `_orig_mod.`). */
  readonly tensors: StateDict;
  /** `zip` since PyTorch 1.6, `legacy` before. */
  readonly format: 'zip' | 'legacy';
  /** Where in a checkpoint the state_dict was, keys joined with dots; empty for a file that is one. */
  readonly key: string;
  /** All keys that could have been chosen. */
  readonly candidates: readonly string[];
  /** Names in the state_dict that are no tensors of the model: `_extra_state`, numbers, `n_averaged`. */
  readonly ignored: readonly string[];
  /** Classes and functions that the file would have called, and in whose place inert stand-ins were put. */
  readonly opaqueSources: readonly string[];
}

export interface ReadPytorchOptions {
  /** Which state_dict of a checkpoint to read, nested keys joined with dots; '' for the top level. */
  readonly key?: string;
}

/** Says what a file is that was taken for PyTorch's by mistake. */
function otherKind(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  if (bytes.length === 0) return 'an empty file';
  if (start[8] === '{') return 'a safetensors file; name it .safetensors';
  if (start.startsWith('version https://')) return 'a Git LFS pointer; fetch the real file with `git lfs pull`';
  if (start.startsWith('\x89HDF')) return 'an HDF5 file, as Keras writes it (.h5)';
  if (/^\s*<[!a-z]/i.test(start)) return 'a web page; the download address is not that of the file itself';
  if (String.fromCharCode(...bytes.subarray(257, 262)) === 'ustar') {
    return 'a tar archive, as PyTorch wrote before version 0.1.10; load and save it again with a newer one';
  }
  return 'of a kind that is not known';
}

function readContents(bytes: Uint8Array, name: string): PytorchContents {
  if (bytes.length > MAX_FILE_BYTES) {
    throw new BneckError('unsupported', `${name}: ${bytes.length} bytes are more than ${MAX_FILE_BYTES}. Split it.`);
  }
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
  if (isZip) return readPytorchArchive(bytes, name);
  if (looksLikePickle(bytes)) return readPytorchLegacy(bytes, name);
  throw new BneckError('file', `${name}: not a PyTorch file but ${otherKind(bytes)}. Give a .pth or .pt file.`);
}

/**
 * Reads the state_dict of a PyTorch file: the file itself, or inside a checkpoint the first of
 * STATE_DICT_KEYS, else the only one there is. float32 and int64 come bit for bit, float16, bfloat16 and
 * float64 become float32, smaller integers and bool int64 (`element-types.ts` says how); views and
 * parameters become tensors of their own, so tied weights are equal but no longer tied.
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws BneckError `file` where the bytes are not a sound file of torch.save, hold no state_dict, or several
 *   with none of the known keys (the message lists them); `unsupported` for TorchScript, compressed archives,
 *   big-endian files, and tensors that are complex, quantized or sparse; `memory` where it does not fit
 */
export function readPytorch(bytes: Uint8Array, name: string, options: ReadPytorchOptions = {}): PytorchFile {
  const { format, value, opaqueSources, storageBytes } = readContents(bytes, name);
  const found = findStateDict(value, options.key, (problem, remedy, code: 'file' | 'unsupported' = 'file') => {
    throw new BneckError(code, `${name}: ${problem}. ${remedy}`);
  });
  if (found.tensors.size > MAX_TENSORS) {
    throw new BneckError('file', `${name}: ${found.tensors.size} tensors are more than ${MAX_TENSORS}. ${COPY_AGAIN}`);
  }
  const budget = new MemoryBudget(bytes.length);
  const tensors: StateDict = new Map();
  for (const [tensorName, tensor] of found.tensors) {
    const place = `${name}: tensor ${quote(tensorName)}`;
    tensors.set(tensorName, copyTensor(tensor, storageBytes(tensor.storage.key), place, budget));
  }
  const { key, candidates, ignored } = found;
  return { tensors, format, key, candidates, ignored, opaqueSources: [...opaqueSources] };
}
