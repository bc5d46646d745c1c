// Each layer's MACs a cycle over its MACs a byte, under what array and bus allow.

const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "star", "pentagon"];
const GLYPHS = "●■◆▲▼✚★⬟";

function drawRoofline() {
  const timed = layers.map((layer, index) => ({ layer, index })).filter(({ layer }) => layer.total_cycles > 0);
  const busy = timed.filter(({ layer }) => layer.macs > 0 && moved(layer) > 0);
  const idle = timed.filter(({ layer }) => !(layer.macs > 0 && moved(layer) > 0));
  const [peak, bus] = [data.peak_macs_per_cycle, data.bus_bytes_per_cycle];
  const xs = busy.map(({ layer }) => intensity(layer)).concat(peak / bus);
  const ys = busy.map(({ layer }) => throughput(layer)).concat(peak);
  const [left, right] = [Math.min(...xs) / 2, Math.max(...xs) * 2];
  const bottom = Math.min(...ys) / 2;
  const ground = bottom / 2;
  const most = Math.max(1, ...timed.map(({ layer }) => layer.total_cycles));
  const sizeOf = ({ layer }) => 9 + 25 * Math.sqrt(layer.total_cycles / most);
  const legend = [];
  const traces = groups.map((group, number) => {
    const own = busy.filter(({ layer }) => data.causes[Math.max(0, largestLoss(layer))].group === number);
    if (own.length) legend.push({ glyph: GLYPHS[number], color: group.color, label: group.key === "useful" ? "nothing lost" : group.label, title: group.meaning });
    return marks(own, group.label, own.map(({ layer }) => intensity(layer)), own.map(({ layer }) => throughput(layer)), {
      symbol: SYMBOLS[number], size: own.map(sizeOf), color: group.color, opacity: 0.85,
    });
  }).filter((trace) => trace.x.length);
  if (idle.length) {
    legend.push({ glyph: "△", color: styleValue("--text"), label: "without multiplications" });
    const step = (Math.log10(right) - Math.log10(left)) / (idle.length + 1);
    traces.push(marks(idle, "without multiplications", idle.map((_, i) => left * 10 ** (step * (i + 1))), idle.map(() => ground), {
      symbol: "triangle-up-open", size: idle.map(sizeOf), color: styleValue("--text"),
    }));
  }
  const chosen = timed.find(({ index }) => index === selection.layer);
  const knee = peak / bus;
  const roof = { type: "scatter", mode: "lines", hoverinfo: "skip" };
  const text = styleValue("--text");
  traces.push(
    { ...roof, x: [left, knee], y: [left * bus, peak], line: { color: text, width: 2, dash: "dash" } },
    { ...roof, x: [knee, right], y: [peak, peak], line: { color: text, width: 2 } });
  if (chosen) traces.push(ring(chosen, traces));
  const log = Math.log10;
  legend.push({ glyph: "━", color: text, label: `array: ${whole(peak)} MACs a cycle` }, { glyph: "╍", color: text, label: `bus: ${whole(bus)} bytes a cycle` });
  drawLegend("roofline-legend", legend);
  drawPlot("roofline-view", traces, plotLayout({
    height: 480, hovermode: "closest", margin: { l: 70, r: 16, t: 16, b: 52 },
    xaxis: { type: "log", range: [log(left), log(right)], title: { text: "MACs for each byte on the bus" } },
    yaxis: { type: "log", range: [log(idle.length ? ground : bottom) - 0.15, log(Math.max(...ys)) + 0.2], title: { text: "MACs a cycle" } },
  }));
}

function marks(own, name, x, y, marker) {
  return {
    type: "scatter", mode: "markers", name, x, y, hoverinfo: "text", hovertext: own.map(({ layer }) => hoverText(layer)),
    customdata: own.map(({ index }) => index), marker: { ...marker, line: { width: 1, color: styleValue("--text") } },
  };
}

// A ring around the mark of the selected layer.
function ring({ index }, traces) {
  const trace = traces.find((each) => each.customdata && each.customdata.includes(index));
  const place = trace.customdata.indexOf(index);
  return {
    type: "scatter", mode: "markers", x: [trace.x[place]], y: [trace.y[place]], hoverinfo: "skip",
    marker: { symbol: "circle-open", size: 14 + trace.marker.size[place], color: styleValue("--text"), line: { width: 3 } },
  };
}

function selectClicked(plot) {
  plot.on("plotly_click", (event) => {
    const layer = event.points[0].customdata;
    if (layer !== undefined) select(layer);
  });
}

function startRoofline() {
  drawRoofline();
  selectClicked(byId("roofline-view"));
  onTheme(drawRoofline);
  onSelect(drawRoofline);
}
