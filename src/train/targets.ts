/**
 * What a network is to answer for a batch, as the loss kernel takes it: a number for each picture and
 * class. Label smoothing, mixed pictures and class weights all end here, in plain sums and products of
 * double precision. Stands between the trainer's labels and the engine.
 */

/** The classes of a batch in which each picture is a mixture of two (mix-batch.ts). */
export interface MixedLabels {
  /** [N] */
  readonly labels: Int32Array;
  /** [N], of the pictures that are mixed in. */
  readonly partners: Int32Array;
  /** What each picture has of its own, 0 to 1. */
  readonly share: number;
}

/** A class a picture, [N], or two. */
export type BatchLabels = Int32Array | MixedLabels;

export function asMixed(labels: BatchLabels): MixedLabels {
  return labels instanceof Int32Array ? { labels, partners: labels, share: 1 } : labels;
}

export interface TargetOptions {
  readonly classes: number;
  /** Share of each label given to all classes alike, 0 up to, not including, 1. */
  readonly labelSmoothing: number;
  /** One a class, above 0; null for equal ones. */
  readonly classWeights: readonly number[] | null;
}

/**
 * Targets [N, K]. Without weights each row adds up to 1. With weights the mean loss over the rows is the
 * weighted mean: divided by the sum of the labels' weights, as torch.nn.CrossEntropyLoss does; a mixed
 * picture counts with the mixture of its two labels' weights.
 * @param batchLabels class indices below `classes`
 */
export function targetsOf(batchLabels: BatchLabels, options: TargetOptions): Float32Array {
  const { classes, labelSmoothing, classWeights } = options;
  const { labels, partners, share } = asMixed(batchLabels);
  const weightOf = (label: number) => (classWeights === null ? 1 : (classWeights[label] as number));
  let weightSum = 0;
  labels.forEach((label, n) => {
    weightSum += share * weightOf(label) + (1 - share) * weightOf(partners[n] as number);
  });
  const scale = labels.length / weightSum;
  const own = (1 - labelSmoothing) * share;
  const mixedIn = (1 - labelSmoothing) * (1 - share);
  const row = Float64Array.from({ length: classes });
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, n) => {
    const partner = partners[n] as number;
    row.fill(labelSmoothing / classes);
    row[label] = (row[label] as number) + own;
    row[partner] = (row[partner] as number) + mixedIn;
    if (classWeights !== null) for (let k = 0; k < classes; k++) row[k] = (row[k] as number) * weightOf(k) * scale;
    targets.set(row, n * classes);
  });
  return targets;
}
