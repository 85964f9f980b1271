/** Inference from the bytes of prepared pictures to logits: what `Model.forwardBytes` does. */
import { Predictor } from '../../model/predictor.ts';
import { createThreadPool } from '../../runtime/thread-pool.node.ts';
import { type Amount, type Measurement, measure, randomPictures, type Subject } from './measurement.ts';

export async function benchmarkInference(subject: Subject, amount: Amount): Promise<Measurement> {
  const { architecture, weights, preprocessing } = subject;
  const { batch, threads } = amount;
  const { resolution } = preprocessing;
  const pictures = randomPictures(batch, resolution);
  const start = performance.now();
  const predictor = new Predictor(architecture, weights, await createThreadPool(threads));
  try {
    const program = await predictor.compile('bytes', [batch, 3, resolution, resolution]);
    const startMs = performance.now() - start;
    const call = () => predictor.forwardBytes(pictures, batch, preprocessing);
    return await measure({ call, program, startMs, engineBytes: predictor.memoryBytes }, amount);
  } finally {
    await predictor.dispose();
  }
}
