/**
 * An architecture in a few words, for the head of a report, the terminal and a model's card. Says
 * what differs from the defaults, so the everyday network reads short.
 */
import type { Architecture, Family } from './architecture.ts';
import { parseArchitecture } from './parse-architecture.ts';

const FAMILY_TITLES: Readonly<Record<Family, string>> = {
  mobilenet_v3_large: 'MobileNetV3-Large',
  mobilenet_v3_small: 'MobileNetV3-Small',
  mobilenet_v2: 'MobileNetV2',
};

/** For example `MobileNetV3-Small, width 0.75, reduction 8, 10 classes`. */
export function describeArchitecture(architecture: Architecture): string {
  const { family, classes, width, dropout, reducedTail, dilated, reduction, squeeze, reluActivation, expandAlways } =
    architecture;
  const { scaling, padding, batchNormEpsilon, minimal } = architecture;
  const defaults = parseArchitecture({ family });
  const parts = [FAMILY_TITLES[family]];
  if (minimal) parts.push('minimal');
  if (width !== defaults.width) parts.push(`width ${width}`);
  if (scaling !== defaults.scaling) parts.push('timm scaling');
  if (reducedTail) parts.push('reduced tail');
  if (dilated) parts.push('dilated');
  if (reduction !== defaults.reduction) parts.push(`reduction ${reduction}`);
  if (squeeze.rounding !== defaults.squeeze.rounding) parts.push('squeeze unrounded');
  if (squeeze.bias !== defaults.squeeze.bias) parts.push('squeeze without bias');
  if (squeeze.activation !== defaults.squeeze.activation) parts.push('squeeze ReLU6');
  if (reluActivation !== defaults.reluActivation) parts.push('ReLU6');
  if (expandAlways) parts.push('always expanding');
  if (padding !== defaults.padding) parts.push('SAME padding');
  if (batchNormEpsilon !== defaults.batchNormEpsilon) parts.push(`batch norm epsilon ${batchNormEpsilon}`);
  if (dropout !== defaults.dropout) parts.push(`dropout ${dropout}`);
  parts.push(`${classes} ${classes === 1 ? 'class' : 'classes'}`);
  return parts.join(', ');
}
