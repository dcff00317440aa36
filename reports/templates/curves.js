(() => {
  const section = document.querySelector('[data-curves]'), form = section.querySelector('form');
  const data = JSON.parse(section.querySelector('[type="application/json"]').textContent);
  const selects = [...form.querySelectorAll('select')];
  const words = section.querySelector('[aria-live]'), figure = section.querySelector('figure');
  const table = section.querySelector('table'), NS = document.querySelector('svg').namespaceURI, Z = 1.959963984540054;
  const percent = (k, n) => Math.floor((200 * k + n) / (2 * n)) + '%';
  const round = share => Math.floor(100 * share + 0.5);
  const write = n => n.toLocaleString('en-US');
  const ends = (k, n) => {  // Wilson's interval, as the page's others
    const p = k / n, z2 = Z * Z, d = 1 + z2 / n, m = (p + z2 / (2 * n)) / d;
    const half = Z * Math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / d;
    return [k ? m - half : 0, k < n ? m + half : 1];
  };
  const add = (parent, tag, attributes, text) => {
    const svg = parent.namespaceURI === NS || tag === 'svg';
    const e = svg ? document.createElementNS(NS, tag) : document.createElement(tag);
    for (const name in attributes) e.setAttribute(name, attributes[name]);
    if (text !== undefined) e.textContent = text;
    return parent.appendChild(e);
  };
  const describe = (shown, best, h, count) => {
    if (!best) return 'Too few people to show.';
    const said = `${best.last} of ${write(best.n)}`;
    if (shown.length === 1) return `In month ${h}, ${said}` + (count === 1 ? ' came back.'
      : ` in ${best.name} came back; the other segments are too small to show.`);
    const lower = shown.filter(s => s.low), others = shown.filter(s => s !== best && !s.low);
    return `In month ${h}, ${best.name} came back most: ${said}.`
      + (lower.length ? ` Lower, beyond chance: ${lower.map(s => s.name).join(', ')}.` : '')
      + (others.length ? ` Not distinguishable from it, as the intervals overlap: ${others.map(s => s.name).join(', ')}.` : '');
  };
  const fill = (rows, shown, best, h) => {
    table.replaceChildren();
    const head = add(add(table, 'thead', {}), 'tr', {}), body = add(table, 'tbody', {});
    const names = ['Segment', 'n', `Month ${h} (95 %)`, 'Against the highest'];
    for (let m = 1; m < h; m++) names.push('Month ' + m);
    names.forEach((name, i) => add(head, 'th', i && i !== 3 ? {scope: 'col', class: 'n'} : {scope: 'col'}, name));
    for (const s of rows) {
      const row = add(body, 'tr', {});
      add(row, 'th', {scope: 'row'}, s.name);
      add(row, 'td', {class: 'n'}, s.mark || write(s.n));
      add(row, 'td', {class: 'n'}, s.mark ? '' : s.last);
      add(row, 'td', {}, s.mark || shown.length < 2 ? '' : s === best ? 'highest' : s.low ? 'lower' : 'not distinguishable');
      for (let m = 0; m < h - 1; m++) add(row, 'td', {class: 'n'}, s.mark ? '' : percent(s.counts[m], s.n));
    }
  };
  const draw = (shown, h) => {
    figure.replaceChildren();
    if (!shown.length) return;
    const width = Math.min(1040, Math.max(330, figure.clientWidth)), height = 300, right = Math.min(200, width / 3);
    const x = m => 44 + (m - 1) * (width - 60 - right) / (h - 1), y = v => 10 + (1 - v) * (height - 40);
    const svg = add(add(figure, 'div', {class: 'chart', role: 'img', 'aria-label': words.textContent}), 'svg', {viewBox: `0 0 ${width} ${height}`, width, height});
    for (const v of [0, .25, .5, .75, 1]) {
      add(svg, 'line', {x1: 44, x2: width - right, y1: y(v), y2: y(v), stroke: 'var(--rule)'});
      add(svg, 'text', {x: 38, y: y(v) + 4, 'text-anchor': 'end', 'font-size': 12, fill: 'var(--muted)'}, 100 * v + '%');
    }
    for (let m = 1; m <= h; m++) add(svg, 'text', {x: x(m), y: height - 8, 'text-anchor': 'middle', 'font-size': 12, fill: 'var(--muted)'}, m);
    const labels = [];
    shown.slice(0, 6).forEach((s, i) => {
      const color = `var(--series-${i + 1})`, at = s.counts.map((k, m) => [x(m + 1), y(k / s.n)]);
      add(svg, 'polyline', {points: at.join(' '), fill: 'none', stroke: color, 'stroke-width': 2, 'stroke-dasharray': ['', '7 3', '2 3', '9 3 2 3', '4 4', '1 3'][i]});
      at.forEach((p, m) => add(add(svg, 'circle', {cx: p[0], cy: p[1], r: 3.5, fill: color}), 'title', {}, `${s.name}, month ${m + 1}: ${percent(s.counts[m], s.n)} of ${write(s.n)}`));
      labels.push({y: at[h - 1][1], text: `${s.name} ${percent(s.counts[h - 1], s.n)}`, color});
    });
    labels.sort((a, b) => a.y - b.y).forEach((l, i) => {  // one below the other
      l.y = Math.max(l.y, i ? labels[i - 1].y + 15 : 12);
      add(svg, 'text', {x: width - right + 8, y: l.y + 4, 'font-size': 12, fill: 'var(--ink)'}, l.text);
      add(svg, 'rect', {x: width - right - 2, y: l.y - 1, width: 8, height: 3, fill: l.color});
    });
  };
  const show = () => {
    const key = selects.map(s => s.value), h = +key[0];
    const rows = (data.slices[key.join('|')] || []).map(([index, n, counts]) => {
      const s = {name: data.segments[index], n, counts, mark: counts ? '' : n};
      if (counts) {
        s.ends = ends(counts[h - 1], n);
        s.last = `${percent(counts[h - 1], n)} (${round(s.ends[0])}-${round(s.ends[1])})`;
      }
      return s;
    });
    const shown = rows.filter(s => !s.mark);
    const best = shown.reduce((a, b) => !a || b.counts[h - 1] / b.n > a.counts[h - 1] / a.n ? b : a, null);
    shown.forEach(s => s.low = s.ends[1] < best.ends[0]);
    words.textContent = describe(shown, best, h, rows.length);
    fill(rows, shown, best, h);
    draw(shown, h);
  };
  const read = () => {
    const [name, state] = decodeURIComponent(location.hash.slice(1)).split('=');
    if (name !== section.id || !state) return false;
    state.split('|').forEach((value, i) => {
      if (selects[i] && [...selects[i].options].some(o => o.value === value)) selects[i].value = value;
    });
    return true;
  };
  form.hidden = false;
  form.addEventListener('change', () => {
    history.replaceState(null, '', `#${section.id}=${selects.map(s => s.value).join('|')}`);
    show();
  });
  addEventListener('hashchange', () => read() && show());
  if (read()) show();
})();
