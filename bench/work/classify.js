/**
 * What `classify` adds to the bare call: a picture in memory is resized, cropped, sent through the network and its likeliest classes
 * told, against `forwardBytes` of a picture that is prepared already. One model, both in turns.
 */
import { defaultPreprocessing, Model } from '../built-package.js';
import { randomPictures } from '../pictures.js';
import { architectureOf } from '../training.js';
import { CLASSIFY } from '../workloads.js';

/**
 * @param {import('../workloads.js').Workload} workload @param {import('./bench-run.js').BenchRun} run
 * @returns {Promise<import('../measure.js').Contestant[]>}
 */
export async function classifyContestants(workload, run) {
  const { resolution } = workload;
  const data = randomPictures(workload);
  return run.threads.flatMap((threads) => {
    const model = Model.create(architectureOf(workload), {
      threads: threads === 1 ? 0 : threads,
      preprocessing: defaultPreprocessing(resolution),
    });
    /** @param {() => Promise<unknown>} call @returns {(times: number) => Promise<number>} */
    const timed = (call) => async (times) => {
      const start = performance.now();
      for (let time = 0; time < times; time++) await call();
      return (performance.now() - start) / 1000;
    };
    const calls = {
      [CLASSIFY.alone]: () => model.forwardBytes(data, 1),
      [CLASSIFY.whole]: () => model.classify({ data, width: resolution, height: resolution }),
    };
    return Object.entries(calls).map(([variant, call]) => ({
      engine: 'bneck',
      variant,
      threads,
      run: timed(call),
      dispose: () => model.dispose(),
    }));
  });
}
