/**
 * Checksums of a checkpoint: SHA-256 of each part's bytes, kept in state.json, and of the rest of
 * state.json itself. They tell a file that a disk or a copy has damaged from a good one where its form
 * does not: a weight with another bit is still a weight.
 */
import { createHash } from 'node:crypto';

/** The parts beside state.json, by name. */
export type Parts = ReadonlyMap<string, Uint8Array>;

export const STATE_NAME = 'state.json';

function sumOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sumsOf(state: object, parts: Parts): Record<string, string> {
  const sums = Object.fromEntries([...parts].map(([name, bytes]) => [name, sumOf(bytes)]));
  return { ...sums, [STATE_NAME]: sumOf(JSON.stringify(state)) };
}

/** The text of state.json with the sums in it. */
export function withSums(stateText: string, parts: Parts): string {
  const state: object = JSON.parse(stateText);
  return `${JSON.stringify({ ...state, sums: sumsOf(state, parts) }, null, 2)}\n`;
}

/**
 * The first part that is not as it was saved, or null. Without sums, as 0.1.0's first runs wrote them, nothing is known.
 * @param stateText of a record that was parsed before
 */
export function damagedPart(stateText: string, parts: Parts): string | null {
  const { sums, ...state }: { sums?: Record<string, string> } = JSON.parse(stateText);
  if (sums === undefined) return null;
  return Object.entries(sumsOf(state, parts)).find(([name, sum]) => sums[name] !== sum)?.[0] ?? null;
}
