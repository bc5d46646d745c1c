// All figures of all layers: blocks nest, columns sort, a filter keeps the names and operators that hold its text.

const COLUMNS = [
  { name: "name", group: "name", value: (row) => itemName(row), left: true },
  { name: "operator", group: "work", value: (row) => (row.layer < 0 ? counted(row.within.length, "layer") : layers[row.layer].operator), left: true },
  { name: "placement", group: "work", value: (row) => (row.layer < 0 ? "" : layers[row.layer].placement), left: true },
  { name: "kernel", group: "work", value: (row) => (row.layer < 0 ? "" : layers[row.layer].kernel), left: true },
  { name: "MACs", group: "work", value: (row) => row.costs.macs },
  { name: "parameters", group: "work", value: (row) => row.costs.parameters },
  { name: "cycles", group: "time", value: (row) => row.costs.total_cycles },
  { name: "share", group: "time", value: (row) => row.costs.total_cycles, text: (row) => percent(row.costs.total_cycles, TOTAL_CYCLES) },
  { name: "utilization", group: "time", value: (row) => utilization(row.costs), text: (row) => percent(utilization(row.costs), 1) },
  { name: "largest loss", group: "time", value: (row) => lossName(row.costs), left: true },
  { name: "lost cycles", group: "time", value: (row) => lost(row.costs) },
  { name: "bound cycles", group: "time", value: (row) => ofLayer(row, "bound_cycles") },
  { name: "expected cycles", group: "time", value: (row) => ofLayer(row, "expected_cycles") },
  { name: "first cycle", group: "time", value: (row) => ofLayer(row, "first_cycle") },
  { name: "last cycle", group: "time", value: (row) => ofLayer(row, "last_cycle") },
  { name: "bytes moved", group: "bytes", value: (row) => moved(row.costs) },
  ...data.traffic.map((kind, index) => ({ name: `${kind} bytes`, group: "bytes", value: (row) => row.costs.traffic[index] })),
  { name: "MACs per byte", group: "bytes", value: (row) => intensity(row.costs), text: (row) => brief(intensity(row.costs)) },
  { name: "scratchpad bytes", group: "memory", value: (row) => row.costs.scratchpad_bytes },
  { name: "accumulator bytes", group: "memory", value: (row) => row.costs.accumulator_bytes },
  ...CAUSE_NAMES.map((name, cause) => ({ name: readable(name), group: "causes", value: (row) => row.costs.cycles[cause], cause }))
    .filter(({ cause }) => data.total.cycles[cause] > 0),
  { name: "on the host because", group: "work", value: (row) => (row.layer < 0 ? "" : layers[row.layer].reason), left: true },
];
const COLUMN_GROUPS = [["work", "work"], ["time", "time"], ["bytes", "bytes"], ["memory", "memories"], ["causes", "causes"]];
const MOST_ROWS = 300;

const table = { sort: -1, descending: true, filter: "", nested: true, open: new Set(), hidden: new Set(), most: MOST_ROWS, rows: [] };

const ofLayer = (row, name) => (row.layer < 0 ? "" : layers[row.layer][name]);

function lossName(costs) {
  const cause = largestLoss(costs);
  return cause < 0 ? "" : readable(CAUSE_NAMES[cause]);
}

const visibleColumns = () => COLUMNS.slice(1).filter((column) => !table.hidden.has(column.group));

function matches(item) {
  if (!table.filter) return true;
  const { name, operator, placement } = layers[item.layer];
  return `${name} ${operator} ${placement}`.toLowerCase().includes(table.filter);
}

function sorted(items) {
  if (table.sort < 0) return items;
  const { value } = COLUMNS[table.sort];
  const sign = table.descending ? -1 : 1;
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  return [...items].sort((a, b) => sign * compare(value(a), value(b)) || a.first - b.first);
}

// Rows from the top: {item, depth}; a block without a match is left out, one with a match is open while a filter is set.
function tableRows(item, depth) {
  if (!table.nested) return sorted(item.within.map((layer) => ({ layer, first: layer, costs: layers[layer], within: [layer] })).filter(matches)).map((each) => ({ item: each, depth: 0 }));
  return sorted(item.items).flatMap((inner) => {
    if (inner.layer >= 0) return matches(inner) ? [{ item: inner, depth }] : [];
    const below = table.open.has(inner.path) || table.filter ? tableRows(inner, depth + 1) : [];
    return table.filter && !below.length ? [] : [{ item: inner, depth }, ...below];
  });
}

function headCell(name, index, left) {
  const state = table.sort === index ? (table.descending ? "descending" : "ascending") : "none";
  const arrow = { descending: " ▼", ascending: " ▲", none: "" }[state];
  const sort = button(name + arrow, `Sort by ${name}; the third time as in the program`, () => {
    if (table.sort !== index) [table.sort, table.descending] = [index, !left];
    else if (table.descending !== left) table.descending = left;
    else table.sort = -1;
    drawTable();
    byId("layers-view").querySelector(`th[data-column="${index}"] button`).focus();
  });
  return element("th", { scope: "col", "aria-sort": state, "data-column": index, class: `${left ? "left" : ""} of-${COLUMNS[index].group}` }, sort);
}

function cell(row, column) {
  const value = column.value(row);
  const text = column.text ? column.text(row) : typeof value === "number" ? whole(value) : shorten(value, 80);
  return element("td", { class: `${column.left ? "left" : ""} of-${column.group}`, title: typeof value === "string" && value.length > 20 ? value : null }, text);
}

function tableRow({ item, depth }) {
  const isBlock = item.layer < 0;
  const isOpen = isBlock && (table.open.has(item.path) || Boolean(table.filter));
  const mark = isBlock ? (isOpen ? "▾ " : "▸ ") : "";
  const name = element("th", { scope: "row", class: "left", title: itemName(item), style: `padding-left:${0.6 + 1.2 * depth}em` },
    element("span", { "aria-hidden": "true" }, mark), shorten(itemName(item), 60));
  const row = element("tr", {
    tabindex: "-1", "aria-level": depth + 1, "aria-expanded": isBlock ? String(isOpen) : null, class: isBlock ? "block" : "",
    "aria-selected": isBlock ? null : String(item.layer === selection.layer), "data-layer": item.layer, "data-path": item.path ?? null,
    onclick: () => (isBlock ? toggleRow(item) : select(item.layer)),
  }, name, ...visibleColumns().map((column) => cell(item, column)));
  row.item = item;
  return row;
}

function totalRows() {
  const empty = { layer: -1, within: [], first: 0 };
  return [["after the last layer", data.tail], ["total", data.total]].filter(([name, costs]) => name === "total" || costs.total_cycles).map(([name, costs]) =>
    element("tr", { "aria-level": 1 }, element("th", { scope: "row", class: "left" }, name),
      ...visibleColumns().map((column) => (column.name === "operator" ? element("td", { class: "of-work" }) : cell({ ...empty, costs }, column)))));
}

function drawTable() {
  const view = byId("layers-view");
  const [x, y] = [view.scrollLeft, view.scrollTop];
  const all = tableRows(rootItem, 0);
  const shown = all.slice(0, table.most);
  const head = [headCell("name", 0, true), ...visibleColumns().map((column) => headCell(column.name, COLUMNS.indexOf(column), Boolean(column.left)))];
  const rows = shown.map(tableRow);
  view.replaceChildren(element("table", { role: "treegrid", "aria-labelledby": "layers-title", "aria-rowcount": all.length + 1 },
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows), element("tfoot", {}, ...totalRows())));
  table.rows = rows;
  if (rows.length) (rows.find((row) => row.item.layer === selection.layer && selection.layer >= 0) || rows[0]).setAttribute("tabindex", "0");
  view.scrollTo(x, y);
  const count = byId("layers-count");
  const found = new Set(all.filter(({ item }) => item.layer >= 0).map(({ item }) => item.layer)).size;
  count.replaceChildren(`${found} of ${layers.length} layers in sight. `);
  if (all.length > shown.length) {
    count.append(button(`Show all ${all.length} rows`, "Show every row", () => {
      table.most = Infinity;
      drawTable();
    }));
  }
}

function toggleRow(item) {
  if (!table.open.delete(item.path)) table.open.add(item.path);
  drawTable();
  focusRow(table.rows.find((row) => row.dataset.path === item.path));
}

function focusRow(row) {
  if (!row) return;
  table.rows.forEach((other) => other.setAttribute("tabindex", other === row ? "0" : "-1"));
  row.focus({ preventScroll: true });
  keepInSight(row);
}

// Scroll the table, and not the page, until the row is under the head.
function keepInSight(row) {
  const view = byId("layers-view");
  const head = view.querySelector("thead").offsetHeight;
  const foot = view.querySelector("tfoot").offsetHeight;
  const top = row.offsetTop - head;
  const bottom = row.offsetTop + row.offsetHeight + foot - view.clientHeight;
  if (view.scrollTop > top) view.scrollTop = top;
  else if (view.scrollTop < bottom) view.scrollTop = bottom;
}

// Open the blocks around a layer, and take a filter away that hides it.
function uncover(layer) {
  const around = allBlocks(rootItem).filter((item) => item.within.includes(layer));
  const covered = table.nested && around.some((item) => !table.open.has(item.path));
  const filtered = !matches({ layer });
  if (filtered) byId("filter").value = table.filter = "";
  around.forEach((item) => table.open.add(item.path));
  let place = tableRows(rootItem, 0).findIndex(({ item }) => item.layer === layer);
  if (place >= table.most) table.most = Infinity;
  if (covered || filtered || !table.rows.some((row) => row.item.layer === layer)) drawTable();
}

function markSelectedRow(layer) {
  if (layer >= 0) uncover(layer);
  table.rows.filter((row) => row.item.layer >= 0).forEach((row) => row.setAttribute("aria-selected", String(row.item.layer === layer)));
  const row = layer < 0 ? null : table.rows.find((each) => each.item.layer === layer);
  if (row) keepInSight(row);
}

function showRow(layer) {
  uncover(layer);
  byId("layers").scrollIntoView();
  focusRow(table.rows.find((row) => row.item.layer === layer));
}

function tableKeys(event) {
  const row = event.target.closest("tbody tr");
  if (!row || event.target !== row) return;
  const place = table.rows.indexOf(row);
  const isBlock = row.item.layer < 0;
  const opens = isBlock && row.getAttribute("aria-expanded") === (event.key === "ArrowRight" ? "false" : "true");
  const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: table.rows.length - 1, PageDown: place + 10, PageUp: place - 10 };
  if (event.key in moves) focusRow(table.rows[Math.max(0, Math.min(table.rows.length - 1, moves[event.key]))]);
  else if (event.key === "Enter" || event.key === " ") row.click();
  else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && opens && !table.filter) toggleRow(row.item);
  else return;
  event.preventDefault();
}

function startTable() {
  const blocks = allBlocks(rootItem);
  openFirst(blocks).forEach((item) => table.open.add(item.path));
  const filter = element("input", { type: "search", id: "filter", placeholder: "name, operator or placement", oninput: () => {
    table.filter = filter.value.toLowerCase();
    drawTable();
  } });
  const check = (label, checked, onchange) => element("label", {}, element("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) }), ` ${label}`);
  byId("layers-tools").append(element("label", {}, "Filter ", filter));
  if (blocks.length) {
    byId("layers-tools").append(
      check("nest blocks", true, (on) => {
        table.nested = on;
        drawTable();
      }),
      button("Open all", "Open every block", () => {
        blocks.forEach((item) => table.open.add(item.path));
        drawTable();
      }),
      button("Close all", "Close every block", () => {
        table.open.clear();
        drawTable();
      }));
  }
  byId("layers-tools").append(element("span", { class: "columns", role: "group", "aria-label": "Columns" }, "Columns:",
    ...COLUMN_GROUPS.map(([group, label]) => check(label, true, (on) => {
      if (on) table.hidden.delete(group);
      else table.hidden.add(group);
      drawTable();
    }))));
  byId("layers-view").addEventListener("keydown", tableKeys);
  drawTable();
  onSelect(markSelectedRow);
}
