// Which layer is selected: one for the whole page; the bar at the bottom shows its row.

const selection = { layer: -1, listeners: [] };
const onSelect = (listener) => selection.listeners.push(listener);

function select(layer) {
  if (layer < 0 || layer >= layers.length) return;
  selection.layer = layer;
  showSelected(layers[layer]);
  selection.listeners.forEach((listener) => listener(layer));
}

function deselect() {
  selection.layer = -1;
  byId("selected").hidden = true;
  selection.listeners.forEach((listener) => listener(-1));
}

function layerFacts(layer) {
  const loss = largestLoss(layer);
  return [
    ["operator", layer.operator],
    ["placement", layer.kernel ? `${layer.placement}, ${layer.kernel}` : layer.placement],
    ["cycles", `${whole(layer.total_cycles)} (${percent(layer.total_cycles, TOTAL_CYCLES)})`],
    ["utilization", percent(utilization(layer), 1)],
    ["MACs", whole(layer.macs)],
    ["parameters", whole(layer.parameters)],
    ["bytes moved", whole(moved(layer))],
    ["MACs per byte", brief(intensity(layer))],
    ["largest loss", loss < 0 ? "none" : `${readable(CAUSE_NAMES[loss])}, ${whole(layer.cycles[loss])} cycles`],
    ...(layer.reason ? [["on the host because", layer.reason]] : []),
  ];
}

// The same as text for a plot's hover label.
function hoverText(layer) {
  const facts = layerFacts(layer).map(([name, value]) => `${name}: ${plain(shorten(value, 70))}`);
  return [`<b>${plain(shorten(layer.name, 60))}</b>`, ...facts].join("<br>");
}

function showSelected(layer) {
  const bar = byId("selected");
  const facts = element("dl", {});
  for (const [name, value] of layerFacts(layer)) {
    facts.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  }
  bar.replaceChildren(
    element("div", { class: "selected-head" },
      element("strong", { title: layer.name }, shorten(layer.name, 120)),
      button("Show in table", "Scroll to its row in the table", () => showRow(selection.layer)),
      button("Show in timeline", "Zoom the timeline to it", () => zoomToLayer(selection.layer)),
      button("Close", "Close this bar (Escape)", deselect)),
    facts,
  );
  bar.hidden = false;
}

function startSelection() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && selection.layer >= 0) deselect();
  });
}
