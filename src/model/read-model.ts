/**
 * Any model file, told by its content: one that bneck saved, or bare weights of torchvision or timm in a
 * `.safetensors` or PyTorch file. What reads the files of others is loaded when there is one. Pure. Invariant:
 * what comes out fits together, whoever wrote the file.
 */
import { BneckError } from '../base/errors.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import type { Lineage } from '../models/lineages.ts';
import { isModelFile, type ModelFile, modelFromSafetensors } from './model-file.ts';

export interface ReadModelOptions {
  /** Who trained bare weights, where neither names nor the file's name say it: timm's `tf_` models need it. */
  readonly lineage?: Lineage | undefined;
}

export interface ReadModel {
  readonly file: ModelFile;
  /** What was recognised and assumed of bare weights, a line each. */
  readonly notes: readonly string[];
}

/** A safetensors header begins at byte 8; PyTorch's files are zip archives or begin with a pickle's opcode. */
function looksLikePytorch(bytes: Uint8Array, name: string): boolean {
  if (bytes[8] === 0x7b) return false;
  return bytes[0] === 0x80 || (bytes[0] === 0x50 && bytes[1] === 0x4b) || /\.(pth|pt|bin|ckpt)$/i.test(name);
}

/**
 * @param bytes the file
 * @param name of the file: for errors, and because it tells the preset of published weights
 * @throws BneckError 'file' or 'unsupported' with what is wrong and what to do, 'option' for a lineage that is not
 *   for this file
 */
export async function readModel(
  bytes: Uint8Array,
  name: string,
  { lineage }: ReadModelOptions = {},
): Promise<ReadModel> {
  if (looksLikePytorch(bytes, name)) {
    const { readPytorch } = await import('../formats/pytorch.ts');
    const { tensors, key } = readPytorch(bytes, name);
    const { modelFromStateDict } = await import('./pretrained-model-file.ts');
    const { file, notes } = modelFromStateDict(tensors, name, lineage);
    return { file, notes: key === '' ? notes : [`the checkpoint's ${key}`, ...notes] };
  }
  const contents = readSafetensors(bytes, name);
  if (isModelFile(contents)) {
    if (lineage === undefined) return { file: modelFromSafetensors(contents, name), notes: [] };
    throw new BneckError('option', `${name}: says itself how it is built. Leave the lineage ${lineage} out.`);
  }
  const { modelFromStateDict } = await import('./pretrained-model-file.ts');
  return modelFromStateDict(contents.tensors, name, lineage);
}
