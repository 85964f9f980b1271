/**
 * Files: PyTorch writes one network's state_dict in four ways, bneck reads each and writes it again as
 * `.safetensors` (`Model.save`) and `.pth` (`bneck export`), PyTorch loads that into a fresh network.
 * Signed zeros, subnormals, infinities, a NaN's payload and an int64 beyond 2^53 must survive.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Model, mobilenetV2, mobilenetV3 } from './bneck.js';
import { worse } from './differences.js';
import { withFolder } from './peer.js';

/** @typedef {import('./bneck.js').Architecture} Architecture */
/** @typedef {import('./differences.js').Row} Row */

const COMMAND = fileURLToPath(new URL('../../bin/bneck.js', import.meta.url));
const run = promisify(execFile);

/** @type {[string, Architecture][]} */
const NETWORKS = [
  ['Small', mobilenetV3('small')],
  ['Large 0.5', mobilenetV3('large', { width: 0.5, classes: 10 })],
  ['V2 0.5', mobilenetV2({ width: 0.5, classes: 10 })],
];

/** Files of round_trip.py, and what to call them. */
const FILES = [
  ['zip.pth', '.pth'],
  ['legacy.pth', '.pth before 1.6'],
  ['checkpoint.pth', '.pth of a checkpoint'],
  ['plain.safetensors', '.safetensors'],
];

/**
 * @param {import('./peer.js').Peer} peer
 * @param {[string, Architecture]} network
 * @param {number} seed
 * @returns {Promise<Row[]>}
 */
async function compareNetwork(peer, [title, architecture], seed) {
  return withFolder(async (folder) => {
    await peer.ask('write_files', { architecture, seed }, folder);
    const rows = [];
    for (const [file, name] of /** @type {[string, string][]} */ (FILES)) {
      const path = join(folder, file);
      const model = await Model.load(path);
      await model.save(join(folder, 'back.safetensors'));
      await run(process.execPath, [COMMAND, 'export', path, '--to', 'pth', '--out', join(folder, 'back.pth')]);
      const first = await peer.ask('compare_file', { architecture, file: 'back.safetensors' }, folder);
      const second = await peer.ask('compare_file', { architecture, file: 'back.pth' }, folder);
      const check = `${title}: bits of ${name} to .safetensors and to .pth`;
      const difference = worse(first.differing, second.differing);
      rows.push({ check, difference, limit: 0, note: `${first.elements} elements` });
    }
    return rows;
  });
}

/** @type {import('./run.js').Check} */
export async function checkFiles(peer, { wanted }) {
  const rows = [];
  for (const [index, network] of NETWORKS.entries()) {
    if (wanted(network[0])) rows.push(...(await compareNetwork(peer, network, index + 1)));
  }
  return rows;
}
