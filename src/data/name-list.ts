/** Names in messages: lists of them cut to the first few, and long ones to their ends. */
const LISTED = 5;
const LONGEST = 120;

/** A name that may have come from a hostile file, short enough for a line. */
export function shortened(name: string): string {
  return name.length <= LONGEST ? name : `${name.slice(0, LONGEST / 2)}...${name.slice(-LONGEST / 2)}`;
}

export function listed(names: readonly string[]): string {
  const first = names.slice(0, LISTED).map(shortened).join(', ');
  return names.length <= LISTED ? first : `${first} and ${names.length - LISTED} more`;
}
