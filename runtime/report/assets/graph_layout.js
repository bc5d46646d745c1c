// A layered drawing of a directed graph, from left to right, in lines like text: where each box and each edge lies.
//
// Boxes are given in an order in which most edges go forwards; those that go back are drawn and otherwise left out. Each
// box's column is the longest way to it. Edges across several columns get a place of their own in each of them.

const BOX = { width: 164, height: 52, columnGap: 34, rowGap: 12, lineGap: 30, margin: 16 };
const SWEEPS = 4;

// sizes: [{width, height}]; links: [[source, target]]; returns {width, height, boxes: [{x, y}], paths: [text of a path]}.
function layeredLayout(sizes, links, mostWidth) {
  const forward = links.filter(([source, target]) => source < target);
  const columns = cellsByColumn(sizes, forward);
  orderColumns(columns);
  placeRows(columns);
  return placeLines(columns, sizes, links, mostWidth);
}

function cellsByColumn(sizes, forward) {
  const rank = sizes.map(() => 0);
  const incoming = sizes.map(() => []);
  forward.forEach(([source, target]) => incoming[target].push(source));
  sizes.forEach((_, box) => {
    rank[box] = incoming[box].reduce((most, source) => Math.max(most, rank[source] + 1), 0);
  });
  const columns = Array.from({ length: Math.max(0, ...rank) + 1 }, () => []);
  const cells = sizes.map((size, box) => addCell(columns, rank[box], size, box));
  forward.forEach(([source, target]) => {
    let from = cells[source];
    for (let column = rank[source] + 1; column < rank[target]; column++) {
      const place = addCell(columns, column, { width: 0, height: 4 }, -1);
      connect(from, place);
      from = place;
    }
    connect(from, cells[target]);
    (cells[source].ways ||= new Map()).set(target, from);
  });
  columns.cells = cells;
  return columns;
}

function addCell(columns, column, size, box) {
  const cell = { column, box, width: size.width, height: size.height, before: [], after: [], center: 0, order: 0 };
  cell.order = columns[column].push(cell) - 1;
  return cell;
}

function connect(from, to) {
  from.after.push(to);
  to.before.push(from);
}

// Put each cell where its neighbours are on average, column by column, there and back.
function orderColumns(columns) {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 ? "after" : "before";
    const order = sweep % 2 ? [...columns].reverse() : columns;
    order.forEach((cells) => {
      cells.forEach((cell) => {
        const near = cell[side];
        cell.wish = near.length ? sum(near.map((other) => other.order)) / near.length : cell.order;
      });
      cells.sort((a, b) => a.wish - b.wish || a.order - b.order);
      cells.forEach((cell, index) => (cell.order = index));
    });
  }
}

// Give each cell the height at which its neighbours are, as far as the cells beside it leave room.
function placeRows(columns) {
  columns.forEach((cells) => spread(cells, cells.map(() => 0)));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 ? "after" : "before";
    (sweep % 2 ? [...columns].reverse() : columns).forEach((cells) => {
      spread(cells, cells.map((cell) => {
        const near = cell[side];
        return near.length ? sum(near.map((other) => other.center)) / near.length : cell.center;
      }));
    });
  }
}

function spread(cells, wishes) {
  let bottom = -Infinity;
  let shift = 0;
  cells.forEach((cell, index) => {
    const top = Math.max(wishes[index] - cell.height / 2, bottom);
    cell.center = top + cell.height / 2;
    bottom = top + cell.height + BOX.rowGap;
    shift += cell.center - wishes[index];
  });
  cells.forEach((cell) => (cell.center -= shift / cells.length));
}

// Break the columns into lines that fit the width, and draw the edges.
function placeLines(columns, sizes, links, mostWidth) {
  const lines = [];
  let line = null;
  columns.forEach((cells) => {
    const width = Math.max(0, ...cells.map((cell) => cell.width));
    if (!line || line.width + BOX.columnGap + width > mostWidth - 2 * BOX.margin) {
      line = { columns: [], width: -BOX.columnGap };
      lines.push(line);
    }
    line.columns.push({ cells, width, x: line.width + BOX.columnGap });
    line.width += BOX.columnGap + width;
  });
  let top = BOX.margin;
  lines.forEach((each, index) => {
    const all = each.columns.flatMap((column) => column.cells);
    const low = Math.min(0, ...all.map((cell) => cell.center - cell.height / 2));
    const high = Math.max(0, ...all.map((cell) => cell.center + cell.height / 2));
    each.columns.forEach(({ cells, width, x }) => cells.forEach((cell) => {
      cell.line = index;
      cell.x = BOX.margin + x;
      if (cell.box < 0) cell.width = width;
      cell.y = top + cell.center - low;
    }));
    each.bottom = top + high - low;
    top = each.bottom + BOX.lineGap;
  });
  const width = Math.max(0, ...lines.map((each) => each.width)) + 2 * BOX.margin;
  return {
    width, height: top - BOX.lineGap + BOX.margin,
    boxes: columns.cells.map((cell) => ({ x: cell.x, y: cell.y - cell.height / 2 })),
    paths: links.map(([source, target]) => edgePath(columns.cells, source, target, lines, width)),
  };
}

function edgePath(cells, source, target, lines, width) {
  const way = [cells[target]];
  if (source < target) {
    for (let cell = cells[source].ways.get(target); cell.box < 0; cell = cell.before[0]) way.unshift(cell);
  }
  way.unshift(cells[source]);
  let path = "";
  for (let i = 1; i < way.length; i++) {
    path += stretch(way[i - 1], way[i], lines, width);
    if (way[i].box < 0) path += `L${way[i].x + way[i].width} ${way[i].y}`;
  }
  return path;
}

function stretch(from, to, lines, width) {
  const [x1, y1, x2, y2] = [from.x + from.width, from.y, to.x, to.y];
  if (from.line === to.line && x2 >= x1) {
    const half = (x1 + x2) / 2;
    return `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
  }
  const gutter = lines[Math.min(from.line, to.line)].bottom + BOX.lineGap / 2;
  const right = Math.min(x1 + BOX.columnGap / 2, width - 5);
  const left = Math.max(x2 - BOX.columnGap / 2, 5);
  return `M${x1} ${y1}L${right} ${y1}L${right} ${gutter}L${left} ${gutter}L${left} ${y2}L${x2} ${y2}`;
}
