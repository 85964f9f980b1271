/** Lists of names in messages: the first few, and how many more there are. */
const LISTED = 5;

export function listed(names: readonly string[]): string {
  return names.length <= LISTED
    ? names.join(', ')
    : `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more`;
}
