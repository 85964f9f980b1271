/** What every report of the benchmark says: on what it was measured; and where its JSON goes. */
import { cpus } from 'node:os';
import { writeFileAtomic } from '../../base/write-file.node.ts';
import { BNECK_VERSION } from '../../model/model-file.ts';
import { defaultThreads } from '../../runtime/machine.node.ts';
import { newerNodeIsWider, wideVectors } from '../../runtime/wide-vectors.node.ts';

/** What a result depends on besides the network. */
export interface Circumstances {
  readonly bneck: string;
  readonly node: string;
  /** The processor, as the system names it. */
  readonly machine: string;
  readonly cores: number;
  /** Bits of the vectors that kernels are compiled to. */
  readonly vectors: 128 | 256;
}

export function circumstances(): Circumstances {
  const machine = cpus()[0]?.model.trim() || process.arch;
  const vectors = wideVectors() ? 256 : 128;
  return { bneck: BNECK_VERSION, node: process.versions.node, machine, cores: defaultThreads(), vectors };
}

/** To the output, or to the file that was named. */
export async function writeJson(report: unknown, target: string | true): Promise<void> {
  const text = JSON.stringify(report, null, 2);
  if (target === true) console.log(text);
  else await writeFileAtomic(target, new TextEncoder().encode(`${text}\n`));
}

/** On what it was measured, in one line. */
export function describeCircumstances(): string {
  const { bneck, node, machine, cores, vectors } = circumstances();
  const line = `bneck ${bneck}, Node ${node}, ${machine}, ${cores} cores, ${vectors}-bit vectors`;
  return newerNodeIsWider() ? `${line} (256 with Node 24 or 26: about 1.5 times as fast)` : line;
}

export function describeThreads(threads: number): string {
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}
