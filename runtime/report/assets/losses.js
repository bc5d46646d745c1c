// Lost cycles of each layer as bars, one part for each cause.

const lossState = { order: "loss", most: 20, useful: false };
const BAR_HEIGHT = 24;

function lossRows() {
  const rows = layers.map((layer, index) => ({ layer, index })).filter(({ layer }) => layer.total_cycles > 0);
  const keys = { loss: ({ layer }) => -lost(layer), cycles: ({ layer }) => -layer.total_cycles, share: ({ layer }) => -lost(layer) / layer.total_cycles };
  if (lossState.order in keys) rows.sort((a, b) => keys[lossState.order](a) - keys[lossState.order](b) || a.index - b.index);
  return rows.slice(0, lossState.most);
}

// Causes of one group share its colour and pattern; the later ones are paler.
function causeStyle(cause, seen) {
  const group = groupOfCause(cause);
  const before = seen.get(group) || 0;
  seen.set(group, before + 1);
  return { color: group.color, opacity: 1 - 0.22 * before, pattern: { ...fillPattern(group), size: 6 + 3 * before } };
}

function drawLosses() {
  const rows = lossRows();
  const seen = new Map();
  const legend = [];
  const traces = CAUSE_NAMES.map((name, cause) => {
    if (cause === USEFUL && !lossState.useful) return null;
    if (!layers.some((layer) => layer.cycles[cause])) return null;
    const style = causeStyle(cause, seen);
    legend.push({ ...style, pattern: style.pattern.shape, label: readable(name), title: groupOfCause(cause).meaning });
    return {
      type: "bar", orientation: "h", name: readable(name), x: rows.map(({ layer }) => layer.cycles[cause]), y: rows.map((_, row) => row),
      customdata: rows.map(({ index }) => index), hoverinfo: "text",
      hovertext: rows.map(({ layer }) => `<b>${plain(shorten(layer.name, 60))}</b><br>${readable(name)}: ${whole(layer.cycles[cause])} cycles, ` +
        `${percent(layer.cycles[cause], layer.total_cycles)} of the layer's`),
      marker: {
        ...style,
        line: { width: rows.map(({ index }) => (index === selection.layer ? 2.5 : 0.5)), color: styleValue("--text") },
      },
    };
  }).filter(Boolean);
  const letters = byId("losses-view").clientWidth > 700 ? 34 : 16;
  const names = rows.map(({ layer }) => shorten(compact(layer.name), letters));
  drawLegend("losses-legend", legend);
  drawPlot("losses-view", traces, plotLayout({
    barmode: "stack", bargap: 0.25, height: 60 + BAR_HEIGHT * Math.max(2, rows.length),
    margin: { l: 24 + 7.4 * Math.max(4, ...names.map((name) => name.length)), r: 16, t: 8, b: 48 },
    xaxis: { title: { text: "cycles" }, tickformat: ".3~s" },
    yaxis: {
      range: [Math.max(2, rows.length) - 0.5, -0.5], tickvals: rows.map((_, row) => row), showgrid: false, zeroline: false, fixedrange: true,
      ticktext: names.map(plain),
    },
  }));
}

function startLosses() {
  const set = (name, value) => {
    lossState[name] = value;
    drawLosses();
  };
  byId("losses-tools").append(
    choice("Order", [["loss", "most lost first"], ["share", "largest share lost first"], ["cycles", "most cycles first"], ["program", "as in the program"]],
      (value) => set("order", value)),
    choice("Show", [["20", "20 layers"], ["50", "50 layers"], ["Infinity", "all layers"]], (value) => set("most", Number(value))),
    element("label", {}, element("input", { type: "checkbox", onchange: (event) => set("useful", event.target.checked) }), " useful cycles too"));
  drawLosses();
  selectClicked(byId("losses-view"));
  onTheme(drawLosses);
  onSelect(drawLosses);
}
