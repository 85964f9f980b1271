/** The kernel table. A kernel's opcode is its place here plus one (0 ends a program). */
import {
  batchNormFactorsGradInput,
  batchNormFoldForward,
  batchNormStatisticsForward,
  batchNormSumsGradInput,
} from './batch-norm.ts';
import {
  convForward,
  convGradWeight,
  convPictureBytesForward,
  convPictureForward,
  convStatisticsForward,
} from './conv.ts';
import { depthwiseConvForward, depthwiseConvGradient, depthwiseConvStatisticsForward } from './depthwise-conv.ts';
import { activationForward, activationGradInput, addForward, dropoutForward, normalizeForward } from './elementwise.ts';
import { expandDepthwiseConvForward, expandDepthwiseConvStrassen } from './expand-depthwise-conv.ts';
import type { Kernel } from './kernel.ts';
import { linearForward, linearGradInput, linearGradWeight, linearTilesForward } from './linear.ts';
import { softmaxCrossEntropyForward } from './loss.ts';
import { adamUpdate, movingAverageUpdate, rmspropUpdate, sgdUpdate } from './optimizer.ts';
import {
  gradientClipUpdate,
  gradientMeanUpdate,
  gradientNormForward,
  gradientSumUpdate,
} from './optimizer-gradients.ts';
import {
  packDepthwiseTransposed,
  packPanelsForward,
  packPanelsTransposed,
  packRowsForward,
  partialsGradWeight,
  unpackRowsForward,
} from './pack.ts';
import {
  pointwiseConvAveragePool,
  pointwiseConvForward,
  pointwiseConvGradient,
  pointwiseConvStatisticsForward,
} from './pointwise-conv.ts';
import {
  gateGradInput,
  gateStatisticsGradInput,
  gateSumsGradInput,
  globalAveragePoolForward,
  globalAveragePoolPanelsForward,
} from './pooling.ts';
import { strassenSumsForward, strassenWeightSumsForward } from './strassen.ts';
import { pointwiseConvStrassen } from './strassen-conv.ts';

/** What programs of inference call, and all that the builds for browsers have. */
export const INFERENCE_KERNELS: readonly Kernel[] = [
  normalizeForward,
  packPanelsForward,
  batchNormFoldForward,
  convForward,
  convPictureForward,
  convPictureBytesForward,
  pointwiseConvForward,
  pointwiseConvAveragePool,
  strassenWeightSumsForward,
  strassenSumsForward,
  pointwiseConvStrassen,
  depthwiseConvForward,
  packRowsForward,
  unpackRowsForward,
  expandDepthwiseConvForward,
  expandDepthwiseConvStrassen,
  globalAveragePoolForward,
  globalAveragePoolPanelsForward,
  linearForward,
  linearTilesForward,
  activationForward,
  addForward,
];

export const KERNELS: readonly Kernel[] = [
  ...INFERENCE_KERNELS,
  packPanelsTransposed,
  packDepthwiseTransposed,
  convStatisticsForward,
  pointwiseConvStatisticsForward,
  depthwiseConvStatisticsForward,
  batchNormStatisticsForward,
  dropoutForward,
  softmaxCrossEntropyForward,
  linearGradInput,
  linearGradWeight,
  activationGradInput,
  gateSumsGradInput,
  gateGradInput,
  gateStatisticsGradInput,
  batchNormSumsGradInput,
  batchNormFactorsGradInput,
  pointwiseConvGradient,
  depthwiseConvGradient,
  convGradWeight,
  partialsGradWeight,
  sgdUpdate,
  adamUpdate,
  rmspropUpdate,
  gradientSumUpdate,
  gradientMeanUpdate,
  gradientNormForward,
  gradientClipUpdate,
  movingAverageUpdate,
];

const byName = new Map(KERNELS.map((kernel, index) => [kernel.name, { kernel, opcode: index + 1 }]));

export function kernelNamed(name: string): { readonly kernel: Kernel; readonly opcode: number } {
  const found = byName.get(name);
  if (!found) throw new Error(`bneck invariant broken: no kernel named '${name}'`);
  return found;
}
