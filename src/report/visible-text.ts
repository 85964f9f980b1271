/** Texts from outside, fit to be shown. */

/**
 * Control characters, broken ones and marks that turn the direction of writing become U+FFFD, line breaks
 * and tabs spaces: a name can neither hide nor pose as another, and XML can hold it.
 */
export function visibleText(text: string): string {
  return text.replace(/[\n\r\t]/g, ' ').replace(/[\p{Cc}\p{Cs}\ufffe\uffff\u2028-\u202e\u2066-\u2069]/gu, '\ufffd');
}
