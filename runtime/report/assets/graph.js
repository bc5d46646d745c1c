// The network as boxes: blocks open and close, shade and bar show the share of the cycles.

const TITLE_HEIGHT = 26;
const OPEN_LAYERS = 40;
const graphState = { open: new Set(), scale: 1, boxes: [], width: 0 };

// The blocks' tree as items: each knows its layers, and its items in program order.
function itemOfBlock(block, path) {
  const items = [
    ...block.layers.map((layer) => ({ layer, first: layer, costs: layers[layer], within: [layer] })),
    ...block.blocks.map((inner, index) => itemOfBlock(inner, `${path}/${index}`)),
  ].sort((a, b) => a.first - b.first);
  const within = items.flatMap((item) => item.within);
  return { layer: -1, block, path, items, first: Math.min(...within), costs: block, within };
}

const rootItem = itemOfBlock(data.root, "");

function allBlocks(item) {
  return item.layer >= 0 ? [] : [...(item === rootItem ? [] : [item]), ...item.items.flatMap(allBlocks)];
}

function drawItems(item, mostWidth) {
  const place = new Map();
  item.items.forEach((inner, index) => inner.within.forEach((layer) => place.set(layer, index)));
  const titles = new Map();
  data.edges.forEach(([source, target, tensor]) => {
    const [from, to] = [place.get(source), place.get(target)];
    if (from === undefined || to === undefined || from === to) return;
    const key = `${from} ${to}`;
    titles.set(key, titles.has(key) ? `${titles.get(key)}\n${tensor}` : tensor);
  });
  const links = [...titles.keys()].map((key) => key.split(" ").map(Number));
  const inner = item.items.map((each) => (graphState.open.has(each.path) ? drawItems(each, mostWidth - 2 * BOX.margin) : null));
  const sizes = inner.map((drawn) => (drawn ? { width: drawn.width, height: drawn.height + TITLE_HEIGHT } : BOX));
  const layout = layeredLayout(sizes, links, mostWidth);
  const group = svgElement("g");
  layout.paths.forEach((d, index) => {
    const path = svgElement("path", { d, class: "edge" }, svgElement("title", {}, [...titles.values()][index]));
    group.append(path);
  });
  layout.boxes.forEach(({ x, y }, index) => {
    const drawn = inner[index];
    const node = drawn ? openBlock(item.items[index], sizes[index], drawn) : box(item.items[index], item !== rootItem);
    node.setAttribute("transform", `translate(${x} ${y})`);
    group.append(node);
  });
  return { width: Math.max(layout.width, BOX.width + 2 * BOX.margin), height: layout.height, group };
}

function control(item, label, onclick) {
  const node = svgElement("g", { class: "box", role: "button", tabindex: "-1", "aria-label": label, onclick });
  node.item = item;
  graphState.boxes.push(node);
  return node;
}

const itemName = (item) => (item.layer >= 0 ? layers[item.layer].name : item.block.name);

// In a block, the last part of a layer's name tells it from the others.
function boxName(item, inBlock) {
  if (item.layer < 0) return item.block.name;
  const name = compact(layers[item.layer].name);
  return inBlock ? name.slice(name.lastIndexOf("/") + 1) || name : name;
}

// Blocks that hold most of the network would hide it: they begin open, in graph and table; of small networks all do.
const openFirst = (blocks) => blocks.filter((item) => layers.length <= OPEN_LAYERS || item.within.length > layers.length / 2);

function box(item, inBlock) {
  const isBlock = item.layer < 0;
  const share = percent(item.costs.total_cycles, TOTAL_CYCLES);
  const host = isBlock ? item.within.every((layer) => layers[layer].placement === "host") : layers[item.layer].placement === "host";
  const what = isBlock ? counted(item.within.length, "layer") : layers[item.layer].operator;
  const label = `${shorten(itemName(item), 200)}: ${what}, ${host ? "on the host" : `${share} of the cycles`}`;
  const node = control(item, label, () => (isBlock ? toggleBlock(item) : select(item.layer)));
  node.classList.toggle("host", host);
  node.classList.toggle("block", isBlock);
  node.dataset.layer = item.layer;
  const { width, height } = BOX;
  if (isBlock) node.append(svgElement("rect", { class: "behind", x: 5, y: -5, width, height, rx: 5 }));
  const cut = 12;
  node.append(host
    ? svgElement("path", { class: "shape", d: `M${cut} 0H${width - cut}L${width} ${cut}V${height - cut}L${width - cut} ${height}H${cut}L0 ${height - cut}V${cut}Z` })
    : svgElement("rect", { class: "shape", width, height, rx: 5 }));
  node.append(
    svgElement("g", { "clip-path": "url(#box-inside)" },
      svgElement("text", { x: 10, y: 20, class: "box-name" }, shorten(boxName(item, inBlock), 22)),
      svgElement("text", { x: 10, y: 37, class: "box-note" }, shorten(what, 14))),
    svgElement("text", { x: width - 10, y: 37, class: "box-note", "text-anchor": "end" }, host ? "host" : share),
    svgElement("rect", { class: "share-back", x: 10, y: height - 9, width: width - 20, height: 4 }),
    svgElement("rect", { class: "share", x: 10, y: height - 9, width: 0, height: 4 }),
    svgElement("title", {}, label));
  return node;
}

function openBlock(item, size, drawn) {
  const share = percent(item.costs.total_cycles, TOTAL_CYCLES);
  const node = svgElement("g", {}, svgElement("rect", { class: "cluster", width: size.width, height: size.height, rx: 6 }));
  const title = control(item, `Close the block ${shorten(itemName(item), 200)}, ${share} of the cycles`, () => toggleBlock(item));
  title.classList.add("cluster-title");
  const text = `▾ ${shorten(itemName(item), Math.max(8, Math.floor((size.width - 90) / 7.5)))}  ${share}`;
  title.append(svgElement("rect", { width: size.width, height: TITLE_HEIGHT, rx: 6 }), svgElement("text", { x: 10, y: 18 }, text));
  drawn.group.setAttribute("transform", `translate(0 ${TITLE_HEIGHT})`);
  node.append(title, drawn.group);
  return node;
}

function toggleBlock(item) {
  if (!graphState.open.delete(item.path)) graphState.open.add(item.path);
  drawGraph();
  const again = graphState.boxes.find((node) => node.item === item);
  if (again) focusBox(again);
}

function drawGraph() {
  const view = byId("graph-view");
  graphState.width = view.clientWidth;
  graphState.boxes = [];
  if (!layers.length) {
    view.replaceChildren(element("p", { class: "hint" }, "A kernel without sections has no graph."));
    return;
  }
  const drawn = drawItems(rootItem, Math.max(260, view.clientWidth - 20));
  const canvas = svgElement("svg", { viewBox: `0 0 ${drawn.width} ${drawn.height}`, role: "group", "aria-label": "Graph of the network" },
    svgElement("defs", {}, svgElement("clipPath", { id: "box-inside" }, svgElement("rect", { width: BOX.width - 6, height: BOX.height }))),
    drawn.group);
  graphState.size = [drawn.width, drawn.height];
  graphState.boxes.sort((a, b) => a.item.first - b.item.first);
  view.replaceChildren(canvas);
  scaleGraph(graphState.scale);
  shadeBoxes();
  markSelectedBox(selection.layer);
  if (graphState.boxes.length) graphState.boxes[0].setAttribute("tabindex", "0");
}

function scaleGraph(scale) {
  graphState.scale = Math.min(4, Math.max(0.1, scale));
  const canvas = byId("graph-view").querySelector("svg");
  if (!canvas) return;
  canvas.setAttribute("width", graphState.size[0] * graphState.scale);
  canvas.setAttribute("height", graphState.size[1] * graphState.scale);
}

const fitGraph = () => scaleGraph(Math.min(1, (byId("graph-view").clientWidth - 20) / graphState.size[0], 620 / graphState.size[1]));

function shadeBoxes() {
  const closed = graphState.boxes.filter((node) => node.querySelector(".share"));
  const most = Math.max(1, ...closed.map((node) => node.item.costs.total_cycles));
  closed.forEach((node) => {
    const part = node.item.costs.total_cycles / most;
    const shade = Math.min(HEAT.length - 1, Math.floor(part * HEAT.length));
    node.style.setProperty("--heat", HEAT[shade]);
    node.style.setProperty("--ink", shade < 5 ? "#fff" : "#000");
    node.querySelector(".share").setAttribute("width", part * (BOX.width - 20));
  });
  byId("graph-scale").replaceChildren(
    element("span", {}, "Share of the cycles: 0 %"),
    ...HEAT.map((color) => element("span", { class: "swatch", style: `background:${color}` })),
    element("span", {}, percent(most, TOTAL_CYCLES)));
}

function markSelectedBox(layer) {
  graphState.boxes.forEach((node) => node.classList.toggle("chosen", layer >= 0 && node.item.within.includes(layer)));
}

function focusBox(node) {
  graphState.boxes.forEach((other) => other.setAttribute("tabindex", other === node ? "0" : "-1"));
  node.focus();
  node.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

// The nearest box in a direction; what lies aside counts three times.
function neighbour(node, [right, down]) {
  const middle = (each) => {
    const area = each.getBoundingClientRect();
    return [area.x + area.width / 2, area.y + area.height / 2];
  };
  const [x, y] = middle(node);
  let best = null;
  let least = Infinity;
  graphState.boxes.forEach((other) => {
    const [dx, dy] = [middle(other)[0] - x, middle(other)[1] - y];
    const along = dx * right + dy * down;
    const distance = along + 3 * Math.abs(dx * down + dy * right);
    if (along > 1 && distance < least) [best, least] = [other, distance];
  });
  return best;
}

function graphKeys(event) {
  const node = event.target.closest(".box");
  if (event.key === "+" || event.key === "=") scaleGraph(graphState.scale * 1.25);
  else if (event.key === "-") scaleGraph(graphState.scale / 1.25);
  else if (event.key === "0") fitGraph();
  else if (node && (event.key === "Enter" || event.key === " ")) node.dispatchEvent(new Event("click"));
  else if (node && event.key in DIRECTIONS) {
    const next = neighbour(node, DIRECTIONS[event.key]);
    if (next) focusBox(next);
  } else return;
  event.preventDefault();
}

function startGraph() {
  const blocks = allBlocks(rootItem);
  const openAll = () => {
    blocks.forEach((item) => graphState.open.add(item.path));
    drawGraph();
  };
  openFirst(blocks).forEach((item) => graphState.open.add(item.path));
  byId("graph-tools").append(
    ...(blocks.length ? [
      button("Open all blocks", "Show every layer", openAll),
      button("Close all blocks", "Show the outermost blocks only", () => (graphState.open.clear(), drawGraph())),
    ] : []),
    button("−", "Zoom out", () => scaleGraph(graphState.scale / 1.25)), button("+", "Zoom in", () => scaleGraph(graphState.scale * 1.25)),
    button("Fit", "The whole graph", fitGraph));
  const view = byId("graph-view");
  view.addEventListener("keydown", graphKeys);
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scaleGraph(graphState.scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15));
  }, { passive: false });
  new ResizeObserver(() => {
    if (Math.abs(view.clientWidth - graphState.width) > 20) drawGraph();
  }).observe(view);
  onSelect(markSelectedBox);
  drawGraph();
}
