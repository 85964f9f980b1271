/** Several SVG charts in one file, side by side or below each other. */

interface Panel {
  readonly width: number;
  readonly height: number;
  readonly text: string;
}

function panelOf(svg: string): Panel {
  const side = (name: string) => Number(new RegExp(`^<svg[^>]* ${name}="([0-9.]+)"`).exec(svg)?.[1]);
  return { width: side('width'), height: side('height'), text: svg.trim() };
}

/**
 * @param charts texts of SVG files with a width and a height in pixels
 * @param columns charts in a row
 * @returns the text of an SVG file that holds them as they are
 */
export function joinCharts(charts: readonly string[], columns: number): string {
  const rows: Panel[][] = [];
  charts.map(panelOf).forEach((panel, index) => {
    if (index % columns === 0) rows.push([]);
    rows.at(-1)?.push(panel);
  });
  let y = 0;
  let width = 0;
  const placed = rows.flatMap((row) => {
    let x = 0;
    const top = y;
    const texts = row.map((panel) => {
      const text = panel.text.replace(/^<svg/, `<svg x="${x}" y="${top}"`);
      x += panel.width;
      return text;
    });
    width = Math.max(width, x);
    y += Math.max(...row.map(({ height }) => height));
    return texts;
  });
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">`;
  return `${head}\n${placed.join('\n')}\n</svg>\n`;
}
