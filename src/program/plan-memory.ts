/**
 * Gives every arena buffer its place. A buffer is alive from the first step that names it to the last
 * (pinned ones always); buffers alive together never share a byte. Largest first, each at the lowest
 * offset that is free during its life. With `planned` false no byte is shared at all; the results of a
 * program are the same bits either way, which is how the planner is tested.
 */
import { align, type ProgramBuffer, type Step } from './program.ts';

interface Life {
  readonly buffer: ProgramBuffer;
  readonly first: number;
  readonly last: number;
}

/** First and last step of each arena buffer that is used at all. */
export function bufferLives(buffers: readonly ProgramBuffer[], steps: readonly Step[]): Life[] {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  steps.forEach((step, index) => {
    for (const { buffer } of Object.values(step.operands)) {
      if (!first.has(buffer)) first.set(buffer, index);
      last.set(buffer, index);
    }
  });
  return buffers
    .filter((buffer) => buffer.region === 'arena' && (buffer.pinned || first.has(buffer.id)))
    .map((buffer) => ({
      buffer,
      first: buffer.pinned ? 0 : (first.get(buffer.id) as number),
      last: buffer.pinned ? steps.length : (last.get(buffer.id) as number),
    }));
}

/** Sets `offsetBytes` of the arena's buffers. Returns the arena's size in bytes. */
export function planMemory(buffers: readonly ProgramBuffer[], steps: readonly Step[], planned: boolean): number {
  const lives = bufferLives(buffers, steps);
  let end = 0;
  if (!planned) {
    for (const { buffer } of lives) {
      buffer.offsetBytes = end;
      end += align(buffer.bytes);
    }
    return end;
  }
  lives.sort((a, b) => b.buffer.bytes - a.buffer.bytes || a.buffer.id - b.buffer.id);
  const placed: Life[] = []; // by offset
  for (const life of lives) {
    const bytes = align(life.buffer.bytes);
    let offset = 0;
    for (const { buffer, first, last } of placed) {
      if (first > life.last || life.first > last) continue;
      if (offset + bytes <= buffer.offsetBytes) break;
      offset = Math.max(offset, buffer.offsetBytes + align(buffer.bytes));
    }
    life.buffer.offsetBytes = offset;
    end = Math.max(end, offset + bytes);
    const behind = placed.findIndex(({ buffer }) => buffer.offsetBytes > offset);
    placed.splice(behind < 0 ? placed.length : behind, 0, life);
  }
  return end;
}
