/**
 * A training step: normalisation, forward, loss, backward and the update by Adam, on a batch in memory.
 * Decoding and augmentation are not in it.
 */
import { TrainingSession } from '../../train/training-session.ts';
import { type Amount, type Measurement, measure, randomPictures, type Subject } from './measurement.ts';

/** Small enough that weights stay finite however long is measured. */
const LEARNING_RATE = 1e-4;

export async function benchmarkTraining(subject: Subject, amount: Amount): Promise<Measurement> {
  const { architecture, weights, preprocessing } = subject;
  const { batch, threads } = amount;
  const pictures = randomPictures(batch, preprocessing.resolution);
  const labels = Int32Array.from({ length: batch }, (_, index) => (index * 37) % architecture.classes);
  const start = performance.now();
  const session = await TrainingSession.create({
    architecture,
    weights,
    batch,
    resolution: preprocessing.resolution,
    mean: preprocessing.mean,
    std: preprocessing.std,
    optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-5 },
    labelSmoothing: 0.1,
    seed: 0,
    threads,
  });
  try {
    const call = () => session.step(pictures, labels, LEARNING_RATE);
    await call();
    const startMs = performance.now() - start;
    return await measure({ call, program: session.program, startMs, engineBytes: session.memoryBytes }, amount);
  } finally {
    await session.dispose();
  }
}
