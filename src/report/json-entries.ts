/** Settings as flat lists of names and values, to show them and to tell what differs between runs. */

const MOST_ENTRIES = 500;

/** Numbers short, texts as they are, the rest as JSON. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? 'none';
}

/** An op with its parameters in words: `flip probability 0.5`. */
function opText(value: object): string {
  const { kind, ...parameters } = value as Record<string, unknown>;
  const words = Object.entries(parameters).map(([name, parameter]) => `${name} ${listText(parameter)}`);
  return [shown(kind), words.join(', ')].join(' ').trim();
}

function listText(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(listText).join(', ')}]` : shown(value);
}

/**
 * A value of JSON as names with dots and their values: `optimizer.kind` and `adam`. Lists are one value.
 * At most 500; what is deeper than a few levels stands as JSON.
 */
export function jsonEntries(value: unknown, depth = 4): [name: string, value: string][] {
  const entries: [string, string][] = [];
  const walk = (name: string, at: unknown, level: number): void => {
    if (entries.length >= MOST_ENTRIES) return;
    if (Array.isArray(at)) {
      const ops = at.length > 0 && at.every((item) => typeof item === 'object' && item !== null && 'kind' in item);
      entries.push([name, ops ? at.map(opText).join(' · ') : at.length === 0 ? 'none' : at.map(listText).join(', ')]);
    } else if (typeof at === 'object' && at !== null && level < depth) {
      for (const [key, item] of Object.entries(at)) walk(name === '' ? key : `${name}.${key}`, item, level + 1);
    } else entries.push([name, at === null ? 'none' : shown(at)]);
  };
  walk('', value, 0);
  return entries;
}

/**
 * The settings in which several differ.
 * @returns for each, its name and one value each; null where it is absent
 */
export function differingEntries(
  settings: readonly unknown[],
): { readonly name: string; readonly values: readonly (string | null)[] }[] {
  const maps = settings.map((setting) => new Map(jsonEntries(setting)));
  const names = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...names]
    .map((name) => ({ name, values: maps.map((map) => map.get(name) ?? null) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}
