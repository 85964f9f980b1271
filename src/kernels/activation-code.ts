/** Activations as kernels number them (kernels/activation.ts), and their plain definitions. */
import type { ActivationName } from '../models/architecture.ts';

export const ACTIVATION_CODE: Readonly<Record<ActivationName | 'none', number>> = {
  none: 0,
  relu: 1,
  relu6: 2,
  hard_swish: 3,
  hard_sigmoid: 4,
};

/**
 * Hard-swish of x for z = x / sqrt(6), as inference has it in maps: z * clamp(z + sqrt(6) / 2, 0, sqrt(6)), an operation less. The factor 1 / sqrt(6) goes into the weights and
 * the bias of the convolution before.
 */
export const SCALED_HARD_SWISH = 5;

/** activation(x) */
export function activate(x: number, code: number): number {
  switch (code) {
    case 1:
      return Math.max(x, 0);
    case 2:
      return Math.min(Math.max(x, 0), 6);
    case 3:
      return (x * Math.min(Math.max(x + 3, 0), 6)) / 6;
    case 4:
      return Math.min(Math.max(x / 6 + 0.5, 0), 1);
    case SCALED_HARD_SWISH:
      return x * Math.min(Math.max(x + Math.sqrt(6) / 2, 0), Math.sqrt(6));
    default:
      return x;
  }
}

/** activation'(x), at the corners as PyTorch has it */
export function activateSlope(x: number, code: number): number {
  switch (code) {
    case 1:
      return x > 0 ? 1 : 0;
    case 2:
      return x > 0 && x < 6 ? 1 : 0;
    case 3:
      if (x < -3) return 0;
      return x < 3 ? x / 3 + 0.5 : 1;
    case 4:
      return x > -3 && x < 3 ? 1 / 6 : 0;
    default:
      return 1;
  }
}
