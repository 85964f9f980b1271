/**
 * Turns of a loop written out one after another, as text, before AssemblyScript reads a file: so that what differs from turn to turn is a constant,
 * and can be an offset of a load. A loop is written out where its head says so:
 *
 *   for (let turn: usize = 0; turn < 8; turn++) { // written out
 *     x = v128.load(at, 16 * turn);
 *   }
 */

const LOOP = /^( *)for \(let (\w+): usize = 0; \2 < (\d+); \2\+\+\) \{ \/\/ written out\n((?:\1 .*\n|\n)*)\1\}\n/m;

/** @param {string} source @returns {string} */
export function writeOut(source) {
  let text = source;
  for (let match = LOOP.exec(text); match; match = LOOP.exec(text)) {
    const [loop, , name, count, body] = /** @type {string[]} */ ([...match]);
    const turns = Array.from({ length: Number(count) }, (_, turn) =>
      /** @type {string} */ (body).replace(new RegExp(`\\b${name}\\b`, 'g'), String(turn)),
    );
    text = text.replace(/** @type {string} */ (loop), () => turns.join(''));
  }
  if (/\/\/ written out$/m.test(text)) throw new Error('A loop to be written out counts a usize from 0 to a number.');
  return text;
}
