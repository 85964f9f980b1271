/**
 * The script of a run's page: pointing at a cell of the confusion matrix shows its pictures, a click
 * or Enter keeps them. The page is whole without it. Texts reach the page as text nodes only.
 */
export const PAGE_SCRIPT = `
(() => {
  const data = JSON.parse(document.getElementById('pictures').textContent);
  const panel = document.getElementById('pictures-of-cell');
  const table = document.querySelector('.confusion');
  if (!panel || !table) return;
  let kept = null;
  const cellOf = (target) => target.closest('td[data-cell]');
  const element = (name, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const show = (cell) => {
    for (const other of table.querySelectorAll('.chosen')) other.classList.remove('chosen');
    cell.classList.add('chosen');
    const pictures = (data.cells[cell.dataset.cell] || []).map((place) => data.pictures[place]);
    const title = element('h3', cell.title);
    const list = element('ul');
    list.className = 'thumbnails';
    for (const { source, small, text, name } of pictures) {
      const item = element('li');
      const image = element('img');
      image.src = source;
      image.alt = name;
      image.title = name;
      if (small) image.className = 'small';
      item.append(image, text);
      list.append(item);
    }
    const count = Number(cell.dataset.count);
    const rest = pictures.length < count ? 'Shown: ' + pictures.length + ' of ' + count + '.' : '';
    panel.replaceChildren(title, list, element('p', rest));
  };
  panel.replaceChildren(element('p', 'Point at a cell to see its pictures; click or tap to keep them.'));
  for (const cell of table.querySelectorAll('td[data-cell]')) cell.tabIndex = 0;
  table.addEventListener('mouseover', ({ target }) => {
    const cell = cellOf(target);
    if (cell && kept === null) show(cell);
  });
  table.addEventListener('focusin', ({ target }) => {
    const cell = cellOf(target);
    if (cell && kept === null) show(cell);
  });
  const keep = (cell) => {
    kept = kept === cell ? null : cell;
    show(cell);
  };
  table.addEventListener('click', ({ target }) => {
    const cell = cellOf(target);
    if (cell) keep(cell);
  });
  table.addEventListener('keydown', (event) => {
    const cell = cellOf(event.target);
    if (!cell || (event.key !== 'Enter' && event.key !== ' ')) return;
    event.preventDefault();
    keep(cell);
  });
})();
`;
