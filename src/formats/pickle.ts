/**
 * Reads a Python pickle as data. The bytes are a program for `PickleMachine`; running it here builds
 * plain containers and inert stand-ins (`pickle-values.ts`), never an object of a class that the file
 * names, and calls nothing. Invariant: it ends, with a value or through the hook's `fail`, in time and
 * memory bounded by PICKLE_LIMITS.
 */
import { type PickleHooks, PickleMachine } from './pickle-machine.ts';
import { PICKLE_OPCODES } from './pickle-opcodes.ts';
import type { PickleValue } from './pickle-values.ts';

const STOP = 0x2e;

/**
 * One pickle, protocol 0 to 5.
 * @param begin where in `bytes` it begins
 * @returns its value, and where it ends in `bytes`
 */
export function readPickle(
  bytes: Uint8Array,
  begin: number,
  hooks: PickleHooks,
): { value: PickleValue; endBytes: number } {
  const machine: PickleMachine = new PickleMachine(bytes, begin, hooks);
  for (;;) {
    const opcode = machine.nextOpcode();
    if (opcode === STOP) return { value: machine.finish(), endBytes: machine.position };
    const found = PICKLE_OPCODES.get(opcode);
    if (found === undefined) machine.fail(`0x${opcode.toString(16).padStart(2, '0')} is no opcode`);
    machine.opcodeName = found.name;
    found.run(machine);
  }
}
