/** Where bneck keeps what it can make or fetch again: safe to delete at any time. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `bneck` in $XDG_CACHE_HOME if that is an absolute path, else in ~/.cache. */
export function defaultCacheFolder(): string {
  const { XDG_CACHE_HOME: xdg = '' } = process.env;
  return join(isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'bneck');
}
