// What the five engines do: shares of states in equal steps where many runs are in sight, and exact runs and instructions
// where few are. Timeline and occupancy show the same window of time.

const TIMELINE = { steps: 320, labels: 120, instructions: 60, leastCycles: 16 };
const time = { low: 0, high: Math.max(1, TOTAL_CYCLES), listeners: [], engines: [], waiting: false };

// Show a window; all views of time follow in the next frame.
function showTime(low, high) {
  const span = Math.min(Math.max(high - low, TIMELINE.leastCycles), Math.max(TIMELINE.leastCycles, TOTAL_CYCLES));
  const start = Math.max(0, Math.min(low, Math.max(0, TOTAL_CYCLES - span)));
  [time.low, time.high] = [start, start + span];
  if (time.waiting) return;
  time.waiting = true;
  requestAnimationFrame(() => {
    time.waiting = false;
    time.listeners.forEach((listener) => listener());
  });
}

const zoomTime = (factor, center = (time.low + time.high) / 2) =>
  showTime(center - (center - time.low) / factor, center + (time.high - center) / factor);
const moveTime = (part) => showTime(time.low + part * (time.high - time.low), time.high + part * (time.high - time.low));
const allTime = () => showTime(0, TOTAL_CYCLES);

function zoomToLayer(layer) {
  const { first_cycle: first, last_cycle: last } = layers[layer];
  if (last < first || !last) return;
  const around = Math.max(8, (last - first) * 0.05);
  showTime(first - 1 - around, last + around);
  byId("timeline").scrollIntoView({ block: "nearest" });
}

// An engine's row is one high: layers at the top, instructions below them where they are shown, states at the bottom.
const ROWS = { states: 0.52, instructionsLow: 0.55, instructionsHigh: 0.69, layersLow: 0.71, layersHigh: 0.89, statesAlone: 0.68 };
const rowOf = (index) => time.engines.length - 1 - index;

function polygons(height) {
  const traces = groups.map(() => ({ x: [], y: [] }));
  time.engines.forEach((engine, index) => {
    const parts = statesIn(engine, time.low, time.high, TIMELINE.steps);
    const floors = parts.map(() => rowOf(index));
    groups.forEach((_, group) => addBands(traces[group], parts, floors, group, height));
  });
  return traces.map((trace, group) => ({
    ...trace, type: "scatter", mode: "lines", fill: "toself", hoverinfo: "skip",
    line: { width: 0, color: groups[group].color, simplify: false }, fillcolor: groups[group].color,
    fillpattern: fillPattern(groups[group]),
  })).filter((trace) => trace.x.length);
}

// Add a polygon for each stretch of parts in which the group has a share, on top of the floors, which rise by it.
function addBands(trace, parts, floors, group, height) {
  let lower = [];
  const close = () => {
    if (!lower.length) return;
    for (let i = lower.length - 1; i >= 0; i--) {
      trace.x.push(lower[i].to, lower[i].from);
      trace.y.push(lower[i].floor, lower[i].floor);
    }
    trace.x.push(null);
    trace.y.push(null);
    lower = [];
  };
  parts.forEach(({ from, to, shares }, i) => {
    const share = shares[group] * height;
    if (share < 1e-4) return close();
    lower.push({ from, to, floor: floors[i] });
    floors[i] += share;
    trace.x.push(from, to);
    trace.y.push(floors[i], floors[i]);
  });
  close();
}

function barsOf(name, parts, low, high, colorOf, textOf) {
  const pixels = byId("timeline-view").clientWidth - 100;
  const letters = ({ from, to }) => Math.floor(((to - from) / (time.high - time.low)) * pixels / 7.5) - 1;
  return {
    type: "bar", orientation: "h", name, hoverinfo: "skip",
    base: parts.map((part) => part.from), x: parts.map((part) => part.to - part.from),
    y: parts.map((part) => part.row + (low + high) / 2), width: parts.map(() => high - low),
    text: parts.map((part) => (letters(part) > 3 ? plain(shorten(textOf(part), letters(part))) : "")),
    textposition: "inside", insidetextanchor: "middle", textangle: 0, constraintext: "none", cliponaxis: true,
    textfont: { size: 11, color: parts.map((part) => (part.layer === selection.layer && part.layer >= 0 ? "#000" : styleValue("--text"))) },
    marker: { color: parts.map(colorOf), line: { width: 1, color: styleValue("--page") } },
  };
}

const layerColor = ({ layer }) => (layer < 0 ? "rgba(0,0,0,0)" : layer === selection.layer ? styleValue("--chosen")
  : styleValue(layer % 2 ? "--band-odd" : "--band-even"));

function layerBars() {
  const parts = time.engines.flatMap((engine, index) =>
    layersIn(engine, time.low, time.high, TIMELINE.labels).filter((part) => part.layer >= 0).map((part) => ({ ...part, row: rowOf(index) })));
  return barsOf("layers", parts, ROWS.layersLow, ROWS.layersHigh, layerColor, (part) => compact(layers[part.layer].name));
}

function instructionBars() {
  const found = time.engines.map((engine) => instructionsIn(engine, time.low, time.high, TIMELINE.instructions));
  if (found.some((each) => each === null)) return null;
  return found.map((each, index) => {
    const lanes = Math.max(1, each.lanes);
    const lane = (ROWS.instructionsHigh - ROWS.instructionsLow) / lanes;
    const parts = each.map((part) => ({
      ...part, from: Math.max(part.from, time.low), to: Math.min(part.to, time.high), row: rowOf(index) + part.lane * lane,
    }));
    return barsOf("instructions", parts, ROWS.instructionsLow, ROWS.instructionsLow + lane * 0.9, layerColor,
      (part) => (lanes > 1 ? "" : part.layer < 0 ? "instruction" : compact(layers[part.layer].name)));
  });
}

function drawTimeline() {
  if (!TOTAL_CYCLES) {
    byId("timeline-view").textContent = "The accelerator executes nothing: there is no time to show.";
    return;
  }
  const instructions = instructionBars();
  const traces = [...polygons(instructions ? ROWS.states : ROWS.statesAlone), layerBars(), ...(instructions || [])];
  const count = time.engines.length;
  drawPlot("timeline-view", traces, plotLayout({
    height: 540, dragmode: "zoom", barmode: "overlay", bargap: 0, margin: { l: 70, r: 16, t: 4, b: 48 },
    xaxis: { range: [time.low, time.high], title: { text: "cycle" }, tickformat: time.high - time.low < 1e5 ? ",d" : ".4~s" },
    yaxis: {
      range: [0, count], fixedrange: true, showgrid: false, zeroline: false,
      tickvals: time.engines.map((_, index) => rowOf(index) + 0.4), ticktext: time.engines.map((engine) => engine.name),
    },
    shapes: time.engines.map((_, index) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: rowOf(index), y1: rowOf(index), line: { width: 1, color: styleValue("--grid") },
    })),
  }), TIME_OPTIONS);
  byId("timeline-view").dataset.window = `${time.low} ${time.high}`;
  byId("timeline-view").dataset.exact = String(Boolean(instructions));
  byId("window").textContent = `cycles ${whole(Math.floor(time.low) + 1)} to ${whole(Math.ceil(time.high))} of ${whole(TOTAL_CYCLES)}`;
}

// What an engine does in a cycle, in words.
function engineAt(engine, at) {
  const run = runAt(engine, at);
  const length = engine.ends[run] - runStart(engine, run);
  const layer = engine.layer[run] - 1;
  const where = layer < 0 ? "" : ` for ${shorten(layers[layer].name, 40)}`;
  return `${engine.name}: ${readable(data.states[engine.state[run]].name)}, ${whole(length)} cycle${length === 1 ? "" : "s"}${where}`;
}

function readOut(at) {
  const cycle = Math.min(TOTAL_CYCLES, Math.floor(at) + 1);
  const parts = time.engines.filter((engine) => engine.ends.length).map((engine) => element("span", {}, engineAt(engine, at)));
  byId("timeline-readout").replaceChildren(element("strong", {}, `Cycle ${whole(cycle)}`), ...parts);
}

// The time and the engine under a pointer, null outside of the plot.
function pointed(event) {
  const plot = byId("timeline-view");
  const layout = plot._fullLayout;
  if (!layout) return null;
  const area = plot.getBoundingClientRect();
  const x = event.clientX - area.left - layout._size.l;
  const y = event.clientY - area.top - layout._size.t;
  if (x < 0 || y < 0 || x > layout._size.w || y > layout._size.h) return null;
  const engine = Math.min(time.engines.length - 1, Math.floor((y / layout._size.h) * time.engines.length));
  return { at: time.low + (x / layout._size.w) * (time.high - time.low), engine: time.engines[engine] };
}

function selectAt({ at, engine }) {
  if (engine.ends.length) select(engine.layer[runAt(engine, at)] - 1);
}

const TIMELINE_KEYS = {
  ArrowLeft: () => moveTime(-0.2), ArrowRight: () => moveTime(0.2), "+": () => zoomTime(2), "=": () => zoomTime(2),
  "-": () => zoomTime(0.5), 0: allTime, Home: () => showTime(0, time.high - time.low),
  End: () => showTime(TOTAL_CYCLES - (time.high - time.low), TOTAL_CYCLES),
  Enter: () => selectAt({ at: (time.low + time.high) / 2, engine: time.engines.find((engine) => engine.name === "matrix") }),
};

function followWindow(plot) {
  plot.on("plotly_relayout", (change) => {
    if ("xaxis.range[0]" in change) showTime(change["xaxis.range[0]"], change["xaxis.range[1]"]);
  });
  let before = null; // Plotly takes the time of drawing for part of the time between two clicks
  plot.addEventListener("pointerdown", (event) => {
    const again = before && event.timeStamp - before.timeStamp < 500 &&
      Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) < 4;
    before = again ? null : event;
    if (again) allTime();
  }, true);
}

function startTimeline(arrays) {
  time.engines = ["matrix", "vector", "load", "weights", "store"].map((name) => openEngine(arrays, data.engines.find((each) => each.name === name)));
  byId("timeline-tools").append(
    button("◀", "Earlier", () => moveTime(-0.4)), button("▶", "Later", () => moveTime(0.4)),
    button("−", "Zoom out", () => zoomTime(0.5)), button("+", "Zoom in", () => zoomTime(2)), button("All", "All cycles", allTime),
    button("Selected layer", "Zoom to the selected layer", () => selection.layer >= 0 && zoomToLayer(selection.layer)),
    element("span", { id: "window", class: "hint" }));
  drawLegend("timeline-legend", groupEntries((_, index) => time.engines.some((engine) => engine.total[index]))
    .map((entry) => (entry.key === "useful" ? { ...entry, label: "busy" } : entry)));
  const coarse = time.engines.filter((engine) => engine.resolution > 1);
  if (coarse.length) {
    byId("timeline-keys").append(` The history is long: of ${coarse.map((engine) => engine.name).join(", ")}, ` +
      `cycles are in order only between steps of ${whole(Math.max(...coarse.map((engine) => engine.resolution)))} cycles.`);
  }
  const plot = byId("timeline-view");
  drawTimeline();
  if (!TOTAL_CYCLES) return;
  followWindow(plot);
  time.listeners.push(drawTimeline, () => readOut((time.low + time.high) / 2));
  onSelect(drawTimeline);
  let pressed = null;
  plot.addEventListener("pointerdown", (event) => (pressed = event), true);
  window.addEventListener("pointerup", (event) => {
    const still = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 4;
    const place = still && pointed(event);
    pressed = null;
    if (place) selectAt(place);
  }, true);
  plot.addEventListener("mousemove", (event) => {
    const place = pointed(event);
    if (place) readOut(place.at);
  });
  plot.addEventListener("wheel", (event) => {
    const place = event.ctrlKey && pointed(event);
    if (!place) return;
    event.preventDefault();
    zoomTime(event.deltaY < 0 ? 1.3 : 1 / 1.3, place.at);
  }, { passive: false });
  plot.addEventListener("keydown", (event) => {
    const action = TIMELINE_KEYS[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  readOut(TOTAL_CYCLES / 2);
}
