// One comparison in two views: bars by batch, and the table of all figures.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// Colours of Okabe and Ito, told apart by people who see few colours, and patterns for who sees none.
const STYLE = {
  "sim int8": ["#0072b2", ""], "cpu float32": ["#e69f00", "/"], "cpu int8": ["#d55e00", "x"],
  "gpu float32": ["#56b4e9", "\\"], "gpu float16": ["#009e73", "."], "gpu int8": ["#cc79a7", "-"],
};
const OTHER = ["#9a9a9a", "|"];

const MEASURES = [
  { name: "Latency (ms)", log: true, of: (row) => 1e3 * row.latency.median_seconds, meaning:
    "Time of one run of a batch on the device: the median, with lines from the 10th to the 90th percentile. The host's part is apart." },
  { name: "Samples a second", log: true, of: (row) => row.samples_per_second, meaning: "Samples of a batch over its latency." },
  { name: "GMAC a second", log: true, of: (row) => row.macs_per_second && row.macs_per_second / 1e9, meaning:
    "Multiply-accumulates of convolutions and products by constants over the latency." },
  { name: "Share of the peak (%)", log: false, of: (row) => row.share_of_peak === null ? null : 100 * row.share_of_peak, meaning:
    "Multiply-accumulates a second over what the device could do; only where that is known." },
  { name: "Signal to noise (dB)", log: false, of: (row) => row.snr_db, meaning:
    "The outputs beside those of the float model on the CPU; nothing is drawn where they are equal." },
];

const dark = () => document.documentElement.dataset.theme === "dark";
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function draw() {
  const measure = MEASURES[byId("measure").value];
  const keys = [...new Set(data.rows.map((row) => `${row.backend} ${row.number}`))];
  const traces = keys.map((key) => {
    const rows = data.rows.filter((row) => `${row.backend} ${row.number}` === key);
    const [color, shape] = STYLE[key] || OTHER;
    const trace = {
      type: "bar", name: key, x: rows.map((row) => `batch ${row.batch}`), y: rows.map(measure.of),
      marker: { color, line: { color: style("--text"), width: 1 }, pattern: { shape, fgcolor: "rgba(0,0,0,0.55)", bgcolor: color, fillmode: "replace", size: 7 } },
      hovertemplate: `${key}, %{x}: %{y:.4g}<extra></extra>`,
    };
    if (measure === MEASURES[0]) {
      const beside = (end, sign) => rows.map((row) => 1e3 * sign * (row.latency[end] - row.latency.median_seconds));
      trace.error_y = { type: "data", symmetric: false, array: beside("p90_seconds", 1), arrayminus: beside("p10_seconds", -1), color: style("--text"), thickness: 1.5 };
    }
    return trace;
  });
  const axis = { gridcolor: style("--grid"), linecolor: style("--grid"), zerolinecolor: style("--grid") };
  const layout = {
    barmode: "group", font: { family: "system-ui, sans-serif", size: 13, color: style("--text") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 70, r: 16, t: 8, b: 40 }, height: 460,
    legend: { orientation: "h", y: 1.12 }, showlegend: true, xaxis: { ...axis, type: "category" },
    yaxis: { ...axis, type: measure.log ? "log" : "linear", rangemode: "tozero", title: { text: measure.name } },
    hoverlabel: { bgcolor: style("--card"), font: { color: style("--text") } },
  };
  byId("meaning").textContent = measure.meaning;
  byId("plot").setAttribute("aria-label", `Bars: ${measure.name} by batch, for ${keys.join(", ")}`);
  return Plotly.react("plot", traces, layout, { displaylogo: false, responsive: true, displayModeBar: false });
}

function cell(tag, text, left) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (left) made.className = "left";
  if (tag === "th") made.scope = "col";
  return made;
}

function row(tag, texts) {
  const made = document.createElement("tr");
  made.append(...texts.map((text, index) => cell(tag, text, index < data.left)));
  return made;
}

function fill() {
  const head = document.createElement("thead");
  const body = document.createElement("tbody");
  head.append(row("th", data.columns));
  body.append(...data.cells.map((texts) => row("td", texts)));
  byId("rows").append(head, body);
  byId("devices").append(...data.lines.map((line) => cell("li", line)));
  MEASURES.forEach(({ name }, index) => {
    const option = document.createElement("option");
    option.value = index;
    option.textContent = name;
    byId("measure").append(option);
  });
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").setAttribute("aria-pressed", String(name === "dark"));
  return draw();
}

fill();
byId("measure").addEventListener("change", draw);
byId("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));
const preferred = window.matchMedia("(prefers-color-scheme: dark)");
preferred.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
setTheme(preferred.matches ? "dark" : "light").then(() => { document.documentElement.dataset.ready = ""; });
