/** Everything a run leaves that must not depend on interruptions: all but the times. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseMetrics } from '../../src/report/metrics-csv.ts';
import { loadCheckpoint } from '../../src/train/checkpoint.node.ts';

/** @param run the run's folder */
export async function outcome(run: string) {
  const { record } = await loadCheckpoint(run);
  const rows = parseMetrics(readFileSync(join(run, 'metrics.csv'), 'utf8'), 'metrics');
  const bits = (name: string) => {
    const path = join(run, name);
    return existsSync(path) ? readFileSync(path).toString('base64') : null;
  };
  return {
    best: bits('best.safetensors'),
    weights: bits('last.ckpt/weights.safetensors'),
    optimizer: bits('last.ckpt/optimizer.safetensors'),
    average: bits('last.ckpt/average.safetensors'),
    bestEpoch: record.state.bestEpoch,
    untimed: rows.map((row) => ({ ...row, seconds: 0, imagesPerSecond: 0 })),
  };
}
