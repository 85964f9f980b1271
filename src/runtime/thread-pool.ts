/** What the engine asks of a host's threads; thread-pool.node.ts and its kin provide it. */
export interface RunRequest {
  /** Address of the encoded program. */
  readonly program: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  /** Address of one f64 a step, or 0. */
  readonly profile: number;
}

export interface ThreadPool {
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  /** Runs one program on all threads; one at a time. Rejects if a thread fails, after which the pool is of no use. */
  run(request: RunRequest): Promise<void>;
  dispose(): Promise<void>;
}
