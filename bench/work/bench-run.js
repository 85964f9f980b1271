/**
 * What one run of the benchmarks shares: who takes part, how many threads, and a folder for files that
 * is gone afterwards.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTestModel } from '../test-models.js';

/** @typedef {import('../workloads.js').Workload} Workload */
/** @typedef {import('../engines.js').Engine} Engine */

export class BenchRun {
  /** @type {Map<string, Promise<import('../test-models.js').ModelFiles>>} */
  #models = new Map();
  /** Variants found fastest, by workload, engine and threads. @type {Map<string, string>} */
  fastest = new Map();

  /** @param {readonly Engine[]} engines @param {readonly number[]} threads @param {boolean} quick @param {string} folder */
  constructor(engines, threads, quick, folder) {
    this.engines = engines;
    this.threads = threads;
    this.quick = quick;
    this.folder = folder;
  }

  /** @param {readonly Engine[]} engines @param {readonly number[]} threads @param {boolean} quick */
  static async start(engines, threads, quick) {
    const folder = await mkdtemp(join(tmpdir(), 'bneck-bench-'));
    process.once('SIGINT', () => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
    return new BenchRun(engines, threads, quick, folder);
  }

  /** The engines that do a kind of work, bneck first. @param {Workload} workload */
  enginesFor({ work }) {
    return this.engines.filter(({ works }) => works.includes(work));
  }

  /** Files of the network that a workload asks, written once. @param {Workload} workload */
  modelFiles(workload) {
    const key = `${workload.model}@${workload.resolution}`;
    const files = this.#models.get(key) ?? writeTestModel(workload, this.folder);
    this.#models.set(key, files);
    return files;
  }

  async end() {
    await rm(this.folder, { recursive: true, force: true });
  }
}
