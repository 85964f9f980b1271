/**
 * The two passes of resampling (kernels/resample.ts), set up for pictures of one size: some rows of the source at a time become lines of the wanted
 * width, and those make the rows of the output that need no others, so that what is worked on stays in the processor's nearest caches.
 * The kernels have a memory of their own, and in it the tables of what was set up last.
 */
import { RESAMPLE_KERNELS } from '../../wasm/resample.js';
import { BneckError } from '../base/errors.ts';
import { type Axis, fourTapsOf, isSameAxis, type Taps, tapsOf } from './resample-taps.ts';

interface ResampleKernels {
  readonly memory: WebAssembly.Memory;
  enlarge_rows(
    source: number,
    rowBytes: number,
    rows: number,
    firsts: number,
    taps: number,
    fours: number,
    target: number,
    targetRowBytes: number,
    short: boolean,
  ): void;
  resample_rows(
    source: number,
    rowBytes: number,
    rows: number,
    firsts: number,
    weights: number,
    pairs: number,
    width: number,
    target: number,
    targetRowBytes: number,
    short: boolean,
  ): void;
  resample_columns(
    source: number,
    rowBytes: number,
    firsts: number,
    weights: number,
    pairs: number,
    height: number,
    target: number,
    targetRowBytes: number,
    short: boolean,
  ): void;
}

const PAGE_BYTES = 65536;
/** Of rows that are worked on at once. */
const ROWS_BYTES = 32768;
/** What the passes may read or write behind their operands. */
const MARGIN_BYTES = 64;

let module: WebAssembly.Module | null = null;

function instantiate(): ResampleKernels {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(RESAMPLE_KERNELS), (character) => character.charCodeAt(0)));
  return new WebAssembly.Instance(module).exports as unknown as ResampleKernels;
}

/** @throws BneckError 'image' where there is not so much memory */
function growTo(bytes: number, memory: WebAssembly.Memory): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / PAGE_BYTES));
  } catch (cause) {
    const message = `Resizing takes ${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MB of memory, which there is not; give smaller pictures.`;
    throw new BneckError('image', message, { cause });
  }
}

/** Rows of so many bytes that are worked on at once: a multiple of four, as many as the kernels take. */
function atOnce(rowBytes: number): number {
  return Math.max(4, Math.floor(ROWS_BYTES / rowBytes) & ~3);
}

export class ResamplePasses {
  readonly #horizontal: Axis;
  readonly #vertical: Axis;
  readonly #rowBytes: number;
  readonly #kernels: ResampleKernels;
  readonly #memory: Uint8Array;
  readonly #across: Taps;
  readonly #down: Taps;
  /** Fours of output pixels a row, where rows are enlarged. */
  readonly #fours: number | null;
  readonly #lineBytes: number;
  readonly #rowsAtOnce: number;
  readonly #outputsAtOnce: number;
  /** In the kernels' memory. */
  readonly #addresses: Record<'rows' | 'lines' | 'output' | 'across' | 'acrossTaps' | 'down' | 'downTaps', number>;

  /**
   * @param rowBytes from a row of the source to the next
   * @param previous passes that are of no use from now on: their memory is taken over
   * @throws BneckError 'image' where there is not enough memory, and then the previous ones still serve
   */
  constructor(horizontal: Axis, vertical: Axis, rowBytes: number, previous: ResamplePasses | null) {
    const across = tapsOf(horizontal);
    const down = tapsOf(vertical);
    const fours = fourTapsOf(across);
    const taps = fours?.taps ?? new Int32Array(across.weights.buffer);
    const firsts = (fours ?? across).first.map((pixel) => pixel * 3);
    this.#horizontal = horizontal;
    this.#vertical = vertical;
    this.#rowBytes = rowBytes;
    this.#across = across;
    this.#down = down;
    this.#fours = fours === null ? null : firsts.length;
    const outputBytes = horizontal.count * 3;
    // whole vectors, with all that is written of a row: whole fours, or a byte behind the last pixel
    this.#lineBytes = ((fours ? firsts.length * 12 : outputBytes + 1) + 15) & ~15;
    const allRows = this.#endRow(vertical.count - 1) - (down.first[0] as number);
    this.#rowsAtOnce = Math.min(atOnce(rowBytes), allRows);
    this.#outputsAtOnce = Math.min(atOnce(outputBytes), vertical.count);

    let end = 0;
    const place = (bytes: number) => {
      const address = end;
      end += Math.ceil((bytes + MARGIN_BYTES) / 16) * 16;
      return address;
    };
    this.#addresses = {
      rows: place(this.#rowsAtOnce * rowBytes),
      lines: place((Math.min(this.#rowsAtOnce + 2 * down.pairs, allRows) + 1) * this.#lineBytes),
      output: place(this.#outputsAtOnce * outputBytes),
      across: place(firsts.byteLength),
      acrossTaps: place(taps.byteLength),
      down: place(down.first.byteLength),
      downTaps: place(down.weights.byteLength),
    };
    this.#kernels = previous === null ? instantiate() : previous.#kernels;
    growTo(end, this.#kernels.memory);
    const { buffer } = this.#kernels.memory;
    this.#memory = new Uint8Array(buffer);
    const words = new Int32Array(buffer);
    words.set(firsts, this.#addresses.across / 4);
    words.set(taps, this.#addresses.acrossTaps / 4);
    words.set(down.first, this.#addresses.down / 4);
    new Int16Array(buffer).set(down.weights, this.#addresses.downTaps / 2);
  }

  /** Whether this is what the passes do. */
  suit(horizontal: Axis, vertical: Axis, rowBytes: number): boolean {
    return (
      rowBytes === this.#rowBytes && isSameAxis(horizontal, this.#horizontal) && isSameAxis(vertical, this.#vertical)
    );
  }

  get memoryBytes(): number {
    return this.#memory.length;
  }

  /** The source's row behind those that make row `y` of the output. */
  #endRow(y: number): number {
    return Math.min((this.#down.first[y] as number) + 2 * this.#down.pairs, this.#vertical.inputSize);
  }

  /**
   * @param data of the source, whose first pixel is at byte `begin`
   * @param output where the rows go, one after the other
   */
  run(data: Uint8Array | Uint8ClampedArray, begin: number, output: Uint8Array): void {
    const { rows: rowsAt, lines: linesAt, output: outputAt, down: downAt, downTaps } = this.#addresses;
    const { first, pairs, short } = this.#down;
    const height = this.#vertical.count;
    const outputBytes = this.#horizontal.count * 3;
    const endOfAll = this.#endRow(height - 1);
    let row = first[0] as number; // the next to become a line
    let oldest = row; // of the lines that are held
    for (let y = 0; ; ) {
      const rows = Math.min(this.#rowsAtOnce, endOfAll - row);
      const from = begin + row * this.#rowBytes;
      const to = from + (rows - 1) * this.#rowBytes + this.#horizontal.inputSize * 3;
      this.#memory.set(data.subarray(from, to), rowsAt);
      this.#makeLines(rows, linesAt + (row - oldest) * this.#lineBytes);
      row += rows;
      while (y < height && this.#endRow(y) <= row) {
        const start = y;
        do y++;
        while (y < height && y < start + this.#outputsAtOnce && this.#endRow(y) <= row);
        this.#kernels.resample_columns(
          linesAt - oldest * this.#lineBytes, // where the source's first row would stand
          this.#lineBytes,
          downAt + start * 4,
          downTaps + start * pairs * 8,
          pairs,
          y - start,
          outputAt,
          outputBytes,
          short,
        );
        output.set(this.#memory.subarray(outputAt, outputAt + (y - start) * outputBytes), start * outputBytes);
      }
      if (y === height) return;
      const needed = Math.min(first[y] as number, row);
      const kept = linesAt + (needed - oldest) * this.#lineBytes;
      this.#memory.copyWithin(linesAt, kept, linesAt + (row - oldest) * this.#lineBytes);
      oldest = needed;
    }
  }

  #makeLines(rows: number, lines: number): void {
    const { rows: at, across, acrossTaps } = this.#addresses;
    const { enlarge_rows, resample_rows } = this.#kernels;
    const { pairs, short } = this.#across;
    const [rowBytes, lineBytes] = [this.#rowBytes, this.#lineBytes];
    if (this.#fours !== null) {
      enlarge_rows(at, rowBytes, rows, across, acrossTaps, this.#fours, lines, lineBytes, short);
    } else {
      const width = this.#horizontal.count;
      resample_rows(at, rowBytes, rows, across, acrossTaps, pairs, width, lines, lineBytes, short);
    }
  }
}
