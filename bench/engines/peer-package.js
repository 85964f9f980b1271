/**
 * Loads a peer from bench/node_modules, which `npm ci` in bench/ fills. The specifier stays a variable,
 * so that type checking needs no peer.
 */
import { readFileSync } from 'node:fs';

/**
 * @param {string} name of the package
 * @returns {Promise<any>}
 */
export function loadPeer(name) {
  return import(name);
}

/** The version installed. @param {string} name @returns {string} */
export function peerVersion(name) {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}
