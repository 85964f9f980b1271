/** `bneck benchmark --sweep`: the paper's points as a table, JSON and a chart. */
import { BneckError } from '../../base/errors.ts';
import { writeFileAtomic } from '../../base/write-file.node.ts';
import { defaultThreads } from '../../runtime/machine.node.ts';
import type { BenchmarkFlags } from './benchmark-flags.ts';
import { circumstances, describeCircumstances, describeThreads, writeJson } from './benchmark-report.ts';
import { formatMilliseconds } from './measurement-text.ts';
import { formatSweep, MODEL_TITLES, measureSweep, PAPER_POINTS } from './sweep.ts';
import { renderSweep } from './sweep-chart.ts';

/** For each point; there are some twenty. */
const SECONDS_A_POINT = 0.5;

export async function runSweep(path: string | undefined, flags: BenchmarkFlags): Promise<void> {
  const { model, width, resolution, training, profile, allLayers } = flags;
  const others = Object.entries({ MODEL: path, '--model': model, '--width': width, '--resolution': resolution });
  const more = Object.entries({ '--training': training, '--profile': profile, '--all-layers': allLayers });
  const [unfit] = [...others, ...more].find(([, value]) => value !== undefined) ?? [];
  if (unfit)
    throw new BneckError('option', `--sweep measures its own networks, without ${unfit}. Leave one of them out.`);
  const { threads: counts = [defaultThreads()], batch = 1, seconds = SECONDS_A_POINT } = flags;
  if (counts.length > 1) throw new BneckError('option', '--sweep takes one number of --threads. Give one.');
  const amount = { batch, threads: counts[0] as number, seconds };
  const points = await measureSweep(amount, ({ model: network, width: wide, resolution: side, latencyMs }, done) => {
    if (!process.stderr.isTTY) return;
    const what = `${MODEL_TITLES[network]}, width ${wide}, ${side} px`;
    console.error(`${done}/${PAPER_POINTS.length} ${what}: ${formatMilliseconds(latencyMs.p50)}`);
  });
  const { machine } = circumstances();
  const source = 'top-1 on ImageNet: Howard et al., Searching for MobileNetV3, arXiv 1905.02244, not measured here';
  if (flags.svg !== undefined) {
    await writeFileAtomic(flags.svg, new TextEncoder().encode(await renderSweep(points, amount, machine)));
  }
  if (flags.json !== undefined) await writeJson({ ...circumstances(), ...amount, source, points }, flags.json);
  if (flags.json === true) return;
  console.log(`MobileNetV3, ${describeThreads(amount.threads)}, batch ${batch}\n${describeCircumstances()}\n`);
  console.log(`${formatSweep(points)}\n\n${source}.`);
}
