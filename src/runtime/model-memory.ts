/**
 * A model's parameters, running statistics, gradients and optimizer state in the engine's memory, and
 * the way in and out of it by torchvision's names.
 */
import { assert, BneckError } from '../base/errors.ts';
import { formatShape, type StateDict, sameShape } from '../base/tensor.ts';
import type { Graph } from '../graph/graph.ts';
import { layoutParameters, type ParameterLayout, type Placement } from '../program/parameter-layout.ts';
import type { Region } from '../program/program.ts';
import type { Block, Heap } from './heap.ts';

/** What training keeps of a model beside its parameters and gradients. */
export interface TrainingMemory {
  /** Names of the optimizer's state tensors. */
  readonly optimizerNames: readonly string[];
  /** Whether gradients are summed over micro-batches. */
  readonly sumsGradients: boolean;
  /** Whether moving averages of parameters and running statistics are kept. */
  readonly keepsAverage: boolean;
}

export class ModelMemory {
  readonly layout: ParameterLayout;
  /** The moving averages, as a model that is not trained; null where none are kept. */
  readonly average: ModelMemory | null;
  readonly #graph: Graph;
  readonly #heap: Heap;
  readonly #memory: WebAssembly.Memory;
  readonly #blocks: Readonly<Partial<Record<Region, Block>>>;
  readonly #optimizerNames: readonly string[];

  /** @param training null for a model that is not trained */
  constructor(graph: Graph, heap: Heap, memory: WebAssembly.Memory, training: TrainingMemory | null) {
    this.layout = layoutParameters(graph);
    this.average = training?.keepsAverage ? new ModelMemory(graph, heap, memory, null) : null;
    this.#graph = graph;
    this.#heap = heap;
    this.#memory = memory;
    this.#optimizerNames = training?.optimizerNames ?? [];
    const { trainedBytes, runningBytes } = this.layout;
    this.#blocks = {
      parameters: heap.allocate(trainedBytes),
      running: heap.allocate(runningBytes),
      ...(training && {
        gradients: heap.allocate(trainedBytes),
        optimizer: heap.allocate(trainedBytes * training.optimizerNames.length),
      }),
      ...(training?.sumsGradients && { gradientSums: heap.allocate(trainedBytes) }),
    };
    for (const block of Object.values(this.#blocks)) {
      new Uint8Array(memory.buffer, block.address, block.bytes).fill(0);
    }
  }

  /** The address of a region, or null where this model has none. */
  address(region: Region): number | null {
    if (region === 'averageParameters') return this.average?.address('parameters') ?? null;
    if (region === 'averageRunning') return this.average?.address('running') ?? null;
    return this.#blocks[region]?.address ?? null;
  }

  #view(region: Region, { offsetBytes, length }: Placement): Float32Array {
    const block = this.#blocks[region];
    assert(block, `the model has ${region}`);
    return new Float32Array(this.#memory.buffer, block.address + offsetBytes, length);
  }

  #floatSpecs() {
    return this.#graph.parameters.filter((spec) => spec.dtype === 'float32');
  }

  #place(name: string): { region: Region; placement: Placement } {
    const trained = this.layout.trained.get(name);
    if (trained) return { region: 'parameters', placement: trained };
    const running = this.layout.running.get(name);
    assert(running, `${name} is a parameter`);
    return { region: 'running', placement: running };
  }

  /** Copies all floating-point tensors in. Throws BneckError('shape') where one is missing or has another shape. */
  write(weights: StateDict): void {
    for (const { name, shape } of this.#floatSpecs()) {
      const tensor = weights.get(name);
      if (tensor?.dtype !== 'float32' || !sameShape(tensor.shape, shape)) {
        const found = tensor ? `is ${tensor.dtype} ${formatShape(tensor.shape)}` : 'is missing';
        throw new BneckError('shape', `The weight ${name} ${found}; the network needs float32 ${formatShape(shape)}.`);
      }
      const { region, placement } = this.#place(name);
      this.#view(region, placement).set(tensor.data as Float32Array);
    }
  }

  /** A copy of all tensors, with `num_batches_tracked` (which the engine does not count) as given. */
  read(batchesTracked: bigint): StateDict {
    const state: StateDict = new Map();
    for (const { name, shape, dtype } of this.#graph.parameters) {
      if (dtype === 'int64') {
        state.set(name, { dtype, shape, data: BigInt64Array.of(batchesTracked) });
      } else {
        const { region, placement } = this.#place(name);
        state.set(name, { dtype, shape, data: new Float32Array(this.#view(region, placement)) });
      }
    }
    return state;
  }

  /** A copy of the gradients of the last step, by parameter name. */
  readGradients(): StateDict {
    const state: StateDict = new Map();
    for (const { name, shape } of this.#floatSpecs()) {
      const placement = this.layout.trained.get(name);
      if (placement)
        state.set(name, { dtype: 'float32', shape, data: new Float32Array(this.#view('gradients', placement)) });
    }
    return state;
  }

  /** Visits each optimizer tensor: `NAME.velocity` and the like. */
  #optimizerTensors(visit: (name: string, shape: readonly number[], view: Float32Array) => void): void {
    this.#optimizerNames.forEach((suffix, copy) => {
      for (const { name, shape } of this.#floatSpecs()) {
        const placement = this.layout.trained.get(name);
        if (!placement) continue;
        const offsetBytes = placement.offsetBytes + copy * this.layout.trainedBytes;
        visit(`${name}.${suffix}`, shape, this.#view('optimizer', { ...placement, offsetBytes }));
      }
    });
  }

  readOptimizer(): StateDict {
    const state: StateDict = new Map();
    this.#optimizerTensors((name, shape, view) => {
      state.set(name, { dtype: 'float32', shape, data: new Float32Array(view) });
    });
    return state;
  }

  /** As it was before the first update. */
  clearOptimizer(): void {
    this.#optimizerTensors((_name, _shape, view) => {
      view.fill(0);
    });
  }

  writeOptimizer(state: StateDict): void {
    this.#optimizerTensors((name, shape, view) => {
      const tensor = state.get(name);
      if (tensor?.dtype !== 'float32' || !sameShape(tensor.shape, shape)) {
        throw new BneckError('shape', `The optimizer's state has no ${name} of shape ${formatShape(shape)}.`);
      }
      view.set(tensor.data as Float32Array);
    });
  }

  dispose(): void {
    this.average?.dispose();
    for (const block of Object.values(this.#blocks)) this.#heap.free(block);
  }
}
