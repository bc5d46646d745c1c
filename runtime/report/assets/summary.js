// Totals, what limits the network, and where all cycles went.

function card(label, value, note = "") {
  return element("div", { class: "card" },
    element("div", { class: "card-label" }, label), element("div", { class: "card-value" }, value),
    element("div", { class: "card-note" }, note));
}

function drawSummary() {
  const total = data.total;
  const onHost = layers.filter((layer) => layer.placement === "host").length;
  byId("cards").append(
    card("Cycles", whole(total.total_cycles), data.segments.length > 1 ? `in ${data.segments.length} segments` : "from start to halt"),
    card("Latency", seconds(total.total_cycles), `at ${brief(data.machine.clock_hz)}Hz, host left out`),
    card("Utilization", percent(utilization(total), 1), `of ${whole(data.peak_macs_per_cycle)} MACs a cycle`),
    card("MACs", whole(total.macs), data.batch > 1 ? `${data.batch} samples at once` : "one sample"),
    card("Parameters", whole(total.parameters), `${counted(layers.length - onHost, "layer")}, ${counted(onHost, "node")} on the host`),
    card("Bytes moved", bytes(moved(total)), `${brief(intensity(total))} MACs a byte`),
    card("Scratchpad", bytes(total.scratchpad_bytes), `at most, of ${bytes(data.machine.scratchpad_bytes)}`),
    card("Accumulators", bytes(total.accumulator_bytes), `at most, of ${bytes(data.machine.accumulator_bytes)}`),
  );
  byId("limits").textContent = limits(total);
  if (data.what_if.length) byId("what-if").append(whatIfTable());
  byId("counters").append(countersTable());
}

// What limits the network: the verdict on the changes tried, or without them the largest loss.
function limits(total) {
  if (data.verdict) return data.verdict;
  const loss = largestLoss(total);
  return loss < 0 ? "No cycle is lost." : `Largest loss: ${readable(CAUSE_NAMES[loss])}, ${percent(total.cycles[loss], TOTAL_CYCLES)} of all cycles.`;
}

function whatIfTable() {
  const body = element("tbody", {});
  for (const row of data.what_if) {
    const fields = Object.entries(row.fields).map(([name, { old, new: changed }]) => `${name} ${old} → ${changed}`).join(", ");
    const figures = row.cycles === null ? [element("td", { class: "left", colspan: 3 }, row.error)] : [
      element("td", {}, whole(row.cycles)), element("td", {}, whole(row.saved_cycles)), element("td", {}, `${row.speedup.toFixed(3)} ×`),
    ];
    body.append(element("tr", {}, element("th", { scope: "row" }, row.change), element("td", { class: "left" }, fields), ...figures));
  }
  const head = [["change", "left"], ["fields", "left"], ["cycles", ""], ["saved", ""], ["speed", ""]];
  return element("table", { class: "plain" },
    element("caption", {}, "The same network on this machine with one thing changed, each run through the simulator"),
    element("thead", {}, element("tr", {}, ...head.map(([name, side]) => element("th", { scope: "col", class: side }, name)))),
    body);
}

function countersTable() {
  const engines = Object.keys(data.counters);
  const states = [...new Set(engines.flatMap((engine) => Object.keys(data.counters[engine])))];
  const head = ["engine", ...states.map(readable)].map((name) => element("th", { scope: "col" }, name));
  const body = engines.map((engine) => element("tr", {}, element("th", { scope: "row" }, engine),
    ...states.map((state) => element("td", {}, state in data.counters[engine] ? whole(data.counters[engine][state]) : "—"))));
  return element("table", { class: "plain" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}

// One bar for all cycles, one part for each group of causes.
function drawCauses() {
  const cycles = groups.map((_, group) => sum(data.total.cycles.filter((_, cause) => data.causes[cause].group === group)));
  const traces = groups.map((group, index) => ({
    type: "bar", orientation: "h",
    x: [cycles[index]], y: [""], hoverinfo: "text",
    hovertext: `<b>${group.label}</b>: ${whole(cycles[index])} cycles<br>${group.meaning}`,
    marker: { color: group.color, pattern: fillPattern(group), line: { width: 1, color: styleValue("--page") } },
  })).filter((_, index) => cycles[index]);
  drawLegend("causes-legend", groupEntries((_, index) => cycles[index]).map((entry) =>
    ({ ...entry, label: `${entry.label} ${percent(cycles[groups.findIndex(({ key }) => key === entry.key)], TOTAL_CYCLES)}` })));
  drawPlot("causes", traces, plotLayout({
    barmode: "stack", height: 90, margin: { l: 10, r: 10, t: 4, b: 30 },
    xaxis: { fixedrange: true, range: [0, Math.max(1, TOTAL_CYCLES)], tickformat: ".3~s" },
    yaxis: { fixedrange: true, visible: false },
  }));
}
