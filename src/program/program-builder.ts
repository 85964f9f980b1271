/**
 * Collects buffers and steps while a graph is lowered. Nothing is decided here but names and numbers.
 */
import { assert } from '../base/errors.ts';
import type { Sizes } from '../kernels/kernel.ts';
import { ELEMENT_BYTES } from '../kernels/kernel.ts';
import { kernelNamed } from '../kernels/table.ts';
import { type ParameterLayout, placementOf } from './parameter-layout.ts';
import { planMemory } from './plan-memory.ts';
import { align, type Operand, type Program, type ProgramBuffer, type Region, type Step } from './program.ts';

export class ProgramBuilder {
  readonly #buffers: ProgramBuffer[] = [];
  readonly #prepare: Step[] = [];
  readonly #steps: Step[] = [];
  readonly #ports: Record<string, Operand & { bytes: number }> = {};
  readonly #layout: ParameterLayout;
  readonly #regions: Readonly<Record<'parameters' | 'running' | 'gradients', Operand>>;
  #optimizer: Operand | null = null;
  #gradientSums: Operand | null = null;
  #programBytes = 0;
  #scratchBytes = 0;

  constructor(layout: ParameterLayout) {
    this.#layout = layout;
    this.#regions = {
      parameters: this.#add('parameters', 'parameters', layout.trainedBytes, true),
      running: this.#add('running', 'running', layout.runningBytes, true),
      gradients: this.#add('gradients', 'gradients', layout.trainedBytes, true),
    };
  }

  #add(name: string, region: Region, bytes: number, pinned: boolean): Operand {
    const id = this.#buffers.length;
    let offsetBytes = 0;
    if (region === 'program') {
      offsetBytes = this.#programBytes;
      this.#programBytes += align(bytes);
    }
    this.#buffers.push({ id, name, region, bytes, offsetBytes, pinned });
    return { buffer: id, offsetBytes: 0 };
  }

  /** A buffer that lives from its first use to its last. */
  buffer(name: string, floats: number): Operand {
    return this.#add(name, 'arena', 4 * floats, false);
  }

  /** A buffer that keeps its content between runs. */
  persistent(name: string, floats: number): Operand {
    return this.#add(name, 'program', 4 * floats, true);
  }

  /** A buffer that the host writes or reads by the name `role`. */
  port(role: string, bytes: number, region: 'arena' | 'program' = 'arena'): Operand {
    const operand = this.#add(role, region, bytes, true);
    this.#ports[role] = { ...operand, bytes };
    return operand;
  }

  /** State of the optimizer: `copies` runs of floats, each laid out as the parameters are. */
  optimizer(copies: number): Operand[] {
    const bytes = this.#layout.trainedBytes;
    this.#optimizer ??= this.#add('optimizer', 'optimizer', copies * bytes, true);
    const { buffer } = this.#optimizer;
    return Array.from({ length: copies }, (_, copy) => ({ buffer, offsetBytes: copy * bytes }));
  }

  /** Sums of gradients over micro-batches, laid out as the parameters are; zero when a program starts on the first. */
  gradientSums(): Operand {
    this.#gradientSums ??= this.#add('gradientSums', 'gradientSums', this.#layout.trainedBytes, true);
    return this.#gradientSums;
  }

  /** All parameters and running statistics as they are, and their moving averages. */
  averaged(): { readonly values: Operand; readonly averages: Operand; readonly floats: number }[] {
    const { trainedBytes, runningBytes } = this.#layout;
    const { parameters, running } = this.#regions;
    return [
      {
        values: parameters,
        averages: this.#add('averageParameters', 'averageParameters', trainedBytes, true),
        floats: trainedBytes / 4,
      },
      {
        values: running,
        averages: this.#add('averageRunning', 'averageRunning', runningBytes, true),
        floats: runningBytes / 4,
      },
    ];
  }

  parameter(name: string): Operand {
    return { ...this.#regions.parameters, offsetBytes: placementOf(this.#layout.trained, name).offsetBytes };
  }

  gradient(name: string): Operand {
    return { ...this.#regions.gradients, offsetBytes: placementOf(this.#layout.trained, name).offsetBytes };
  }

  running(name: string): Operand {
    return { ...this.#regions.running, offsetBytes: placementOf(this.#layout.running, name).offsetBytes };
  }

  /** Appends a call; operands that are null are left out. */
  step(kernel: string, label: string, operands: Record<string, Operand | null>, sizes: Sizes): void {
    this.#append(this.#steps, kernel, label, operands, sizes);
  }

  /** Appends a call to what runs once after the weights change. */
  prepare(kernel: string, label: string, operands: Record<string, Operand | null>, sizes: Sizes): void {
    this.#append(this.#prepare, kernel, label, operands, sizes);
  }

  #append(list: Step[], name: string, label: string, operands: Record<string, Operand | null>, sizes: Sizes): void {
    const { kernel } = kernelNamed(name);
    const present = Object.entries(operands).filter((entry): entry is [string, Operand] => entry[1] !== null);
    this.#scratchBytes = Math.max(this.#scratchBytes, kernel.scratchBytes(sizes));
    list.push({ kernel: name, label, operands: Object.fromEntries(present), sizes });
  }

  /** Plans the arena and closes the program. `planned: false` gives each buffer bytes of its own. */
  finish(purpose: Program['purpose'], planned: boolean): Program {
    assert(this.#steps.length > 0, 'a program has steps');
    const arenaBytes = planMemory(this.#buffers, this.#steps, planned);
    return {
      purpose,
      buffers: this.#buffers,
      prepare: this.#prepare,
      steps: this.#steps,
      ports: this.#ports,
      arenaBytes,
      programBytes: this.#programBytes,
      scratchBytes: align(this.#scratchBytes + 64),
    };
  }
}

/** An operand further into the same buffer. */
export function shifted(operand: Operand, floats: number): Operand {
  return { buffer: operand.buffer, offsetBytes: operand.offsetBytes + floats * ELEMENT_BYTES.f32 };
}
