/** How errors of pictures end: what to do about one, which a list of those that were passed over leaves out. */
export const UNREADABLE_REMEDY = 'replace or remove it, or have bad pictures skipped';

/** What is wrong with a picture, on one line and without the remedy. */
export function withoutRemedy(reason: string): string {
  return reason.replace(/; replace or remove it.*$/s, '').replace(/\s+/g, ' ');
}
