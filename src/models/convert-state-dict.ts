/**
 * Weights of any lineage under our names, and the exchange of a head. What `lineages.ts` has worked out
 * from names and shapes is applied to the tensors here. Values are never changed nor copied: a tensor
 * that comes out shares its array with the one that went in.
 */
import { assert, BneckError } from '../base/errors.ts';
import { elementCount, type StateDict, sameShape, type Tensor } from '../base/tensor.ts';
import type { Architecture } from './architecture.ts';
import type { Recognition } from './lineages.ts';
import { classifierPath, type WeightName, weightNames } from './weight-names.ts';

/** A counter that is missing, or was cast to floats along with the rest, becomes int64. */
function counter(tensor: Tensor | undefined): Tensor {
  const value = tensor?.data[0] ?? 0n;
  const whole = typeof value === 'bigint' ? value : BigInt(Number.isFinite(value) ? Math.round(value) : 0);
  return { dtype: 'int64', shape: [], data: new BigInt64Array([whole]) };
}

function converted(entry: WeightName, source: string | undefined, tensors: StateDict): Tensor {
  const tensor = source === undefined ? undefined : tensors.get(source);
  if (entry.counter) return counter(tensor);
  assert(tensor !== undefined, `${entry.name} was recognised`);
  assert(elementCount(tensor.shape) === elementCount(entry.shape), `${entry.name} has its size`);
  if (tensor.dtype !== 'float32') {
    throw new BneckError('file', `Tensor ${source} holds ${tensor.dtype}, not float32. Save it again as floats.`);
  }
  return { ...tensor, shape: entry.shape };
}

/**
 * The tensors of a recognised file under our names, with our shapes, in our order; timm's 1x1 convolution
 * [H, I, 1, 1] in the head becomes a linear layer [H, I], and batch norm's missing counters become 0.
 * @param tensors of the file that `recognition` was made from
 * @throws BneckError 'file' for weights that are not floats
 */
export function convertStateDict(tensors: StateDict, { architecture, sources }: Recognition): StateDict {
  const weights: StateDict = new Map();
  for (const entry of weightNames(architecture)) {
    weights.set(entry.name, converted(entry, sources.get(entry.name), tensors));
  }
  return weights;
}

/** The tensors whose shapes depend on the number of classes: the last linear layer's weight [K, I] and bias [K]. */
export function headTensors({ family }: Architecture): readonly string[] {
  const path = classifierPath(family);
  return [`${path}.weight`, `${path}.bias`];
}

/**
 * A backbone with a new head: all tensors of `weights` but those of the head, which come from `fresh`.
 * @param weights of a model, under our names
 * @param fresh all weights of `architecture`, which is the model's but for the number of classes
 * @returns new weights in the order of `fresh`, and the names of those that are new
 * @throws BneckError 'shape' where a tensor below the head is missing or of another shape
 */
export function replaceHead(
  weights: StateDict,
  fresh: StateDict,
  architecture: Architecture,
): { readonly weights: StateDict; readonly replaced: readonly string[] } {
  const replaced = headTensors(architecture);
  const joined: StateDict = new Map();
  for (const [name, tensor] of fresh) {
    const kept = replaced.includes(name) ? tensor : weights.get(name);
    if (kept === undefined || !sameShape(kept.shape, tensor.shape)) {
      const problem = kept === undefined ? 'is missing' : 'has another shape';
      throw new BneckError('shape', `A new head does not fit: ${name} ${problem} in the given weights.`);
    }
    joined.set(name, kept);
  }
  return { weights: joined, replaced };
}
