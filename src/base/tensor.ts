/**
 * Tensors outside the engine: a shape and a typed array, nothing more. Shape letters, here and
 * everywhere: N images, H rows, W columns, C channels (I in, O out), K kernel size or classes.
 */
export type Shape = readonly number[];

export interface TypedArrays {
  float32: Float32Array;
  int64: BigInt64Array;
}
export type DType = keyof TypedArrays;

export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: TypedArrays[D];
}

/** Named tensors in a fixed order: what PyTorch calls a state_dict. */
export type StateDict = Map<string, Tensor>;

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function float32Tensor(shape: Shape, data = new Float32Array(elementCount(shape))): Tensor<'float32'> {
  return { dtype: 'float32', shape, data };
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, index) => size === b[index]);
}

/** `[32, 3, 224, 224]` as `32x3x224x224`. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : shape.join('x');
}
