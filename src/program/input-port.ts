/** Where a program's pictures come in. */
import type { Shape } from '../base/tensor.ts';
import type { Operand } from './program.ts';
import type { ProgramBuilder } from './program-builder.ts';

/** A port `pictures`: bytes [N][H][W][3] (and then a port `normalization`, [2][3] floats: scale and shift), or floats. */
export class InputPort {
  readonly #builder: ProgramBuilder;
  readonly #floatsPerPicture: number;
  readonly #pictures: Operand;
  /** Scale and shift of bytes; null: pictures are floats. */
  readonly normalization: Operand | null;

  constructor(builder: ProgramBuilder, shape: Shape, input: 'bytes' | 'floats') {
    const [images, channels, height, width] = shape as [number, number, number, number];
    this.#builder = builder;
    this.#floatsPerPicture = channels * height * width;
    const length = images * this.#floatsPerPicture;
    this.#pictures = builder.port('pictures', input === 'floats' ? 4 * length : length);
    this.normalization = input === 'floats' ? null : builder.port('normalization', 24, 'program');
  }

  /** Pictures number `first` onward, as they come. */
  pictures(first: number): Operand {
    const bytes = first * this.#floatsPerPicture * (this.normalization === null ? 4 : 1);
    return { ...this.#pictures, offsetBytes: this.#pictures.offsetBytes + bytes };
  }

  /** `count` pictures, number `first` onward, as floats [count][H][W][3]; of bytes, by a step that normalises them. */
  floats(first: number, count: number): Operand {
    const x = this.pictures(first);
    if (this.normalization === null) return x;
    const y = this.#builder.buffer('input', count * this.#floatsPerPicture);
    const sizes = { pixels: (count * this.#floatsPerPicture) / 3 };
    this.#builder.step('u8_normalize_forward', 'input', { x, coefficients: this.normalization, y }, sizes);
    return y;
  }
}
