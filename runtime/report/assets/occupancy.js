// How full scratchpad and accumulators are: exact steps where few are in sight, else the most and the least of each.

const OCCUPANCY_STEPS = 500;

// {x, most, least}, a value holds from its x to the next one.
function levelsIn({ cycles, held }, low, high) {
  const first = Math.max(0, lastAtMost(cycles, low));
  const last = Math.max(first, lastAtMost(cycles, high));
  const levels = { x: [], most: [], least: [] };
  const add = (x, most, least) => {
    levels.x.push(x);
    levels.most.push(most);
    levels.least.push(least);
  };
  if (last - first <= OCCUPANCY_STEPS) {
    for (let i = first; i <= last; i++) add(Math.max(low, cycles[i]), held[i], held[i]);
  } else {
    const width = (high - low) / OCCUPANCY_STEPS;
    for (let step = 0, i = first; step < OCCUPANCY_STEPS; step++) {
      let [most, least] = [held[i], held[i]];
      while (i < last && cycles[i + 1] < low + (step + 1) * width) {
        i += 1;
        most = Math.max(most, held[i]);
        least = Math.min(least, held[i]);
      }
      add(low + step * width, most, least);
    }
  }
  add(high, levels.most[levels.most.length - 1], levels.least[levels.least.length - 1]);
  return levels;
}

function drawOccupancy(memories) {
  const colors = [GROUP_STYLE.useful.color, GROUP_STYLE.memory.color];
  const traces = memories.flatMap((memory, index) => {
    const { x, most, least } = levelsIn(memory, time.low, time.high);
    const yaxis = index ? "y2" : "y";
    const line = { shape: "hv", width: 1.5, color: colors[index], dash: index ? "dot" : "solid" };
    const text = x.map((_, i) => `${memory.name}: ${whole(most[i])} bytes${most[i] === least[i] ? "" : `, at least ${whole(least[i])}`}`);
    return [
      { x, y: most, yaxis, name: `${memory.name}, most`, line, fill: "tozeroy", fillcolor: `${colors[index]}30`, mode: "lines", hoverinfo: "text+x", text },
      { x, y: least, yaxis, name: `${memory.name}, least`, line: { ...line, width: 0.5 }, fill: "tozeroy", fillcolor: `${colors[index]}70`, mode: "lines", hoverinfo: "skip" },
    ];
  });
  const capacity = (memory, yref) => ({
    type: "line", xref: "paper", x0: 0, x1: 1, yref, y0: memory.capacity_bytes, y1: memory.capacity_bytes,
    line: { width: 1.5, dash: "dash", color: styleValue("--text") },
  });
  const axis = (memory, domain) => ({
    domain, fixedrange: true, range: [0, 1.15 * Math.min(memory.capacity_bytes, Math.max(64, 2.5 * memory.peak_bytes))], title: { text: memory.name }, tickformat: ".3~s", nticks: 5,
  });
  drawPlot("occupancy-view", traces, plotLayout({
    height: 420, hovermode: "x",
    xaxis: { range: [time.low, time.high], anchor: "y2", title: { text: "cycle" }, tickformat: time.high - time.low < 1e5 ? ",d" : ".4~s" },
    yaxis: axis(memories[0], [0.54, 1]), yaxis2: axis(memories[1], [0, 0.46]),
    shapes: [capacity(memories[0], "y"), capacity(memories[1], "y2")],
  }), TIME_OPTIONS);
}

function startOccupancy(arrays) {
  const memories = data.occupancy.map((memory) => ({
    ...memory, cycles: arrays[`${memory.name}.step_cycles`], held: arrays[`${memory.name}.step_bytes`],
  }));
  byId("occupancy-peaks").textContent = memories.map((memory) =>
    `${memory.name}: at most ${bytes(memory.peak_bytes)} of ${bytes(memory.capacity_bytes)}`).join("; ") + " (the dashed line, where it is near).";
  const draw = () => drawOccupancy(memories);
  draw();
  followWindow(byId("occupancy-view"));
  time.listeners.push(draw);
  onTheme(draw);
}
