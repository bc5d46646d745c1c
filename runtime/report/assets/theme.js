// Colours and patterns: those of Okabe and Ito, told apart by people who see few colours, and patterns for who sees none.

const GROUP_STYLE = {
  useful: { color: "#0072b2", pattern: "" },
  underused: { color: "#56b4e9", pattern: "/" },
  vector: { color: "#009e73", pattern: "\\" },
  pipeline: { color: "#f0e442", pattern: "." },
  memory: { color: "#d55e00", pattern: "x" },
  bank: { color: "#e69f00", pattern: "|" },
  engine: { color: "#cc79a7", pattern: "-" },
  idle: { color: "#9a9a9a", pattern: "" },
};
const groups = data.groups.map((group) => ({ ...group, ...GROUP_STYLE[group.key] }));
const groupOfCause = (cause) => groups[data.causes[cause].group];

const HEAT = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

const PAPER_WIDTH = 700;
let printing = false;
const themeListeners = [];
const onTheme = (listener) => themeListeners.push(listener);
const isDark = () => document.documentElement.dataset.theme === "dark";

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const toggle = byId("theme");
  toggle.setAttribute("aria-pressed", String(theme === "dark"));
  themeListeners.forEach((listener) => listener());
}

function startTheme() {
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  setTheme(preferred.matches ? "dark" : "light");
  preferred.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
  let before = "light";
  window.addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    printing = true;
    setTheme("light");
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    setTheme(before);
  });
}

const styleValue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// What all plots have in common; `more` wins.
function plotLayout(more) {
  const line = styleValue("--grid");
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line };
  const layout = {
    font: { family: "system-ui, sans-serif", size: 13, color: styleValue("--text") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 70, r: 16, t: 8, b: 48 },
    hoverlabel: {
      bgcolor: styleValue("--card"), bordercolor: styleValue("--text"), align: "left",
      font: { color: styleValue("--text"), size: 13 },
    },
    showlegend: false, ...(printing ? { width: PAPER_WIDTH } : {}),
    ...more,
  };
  for (const name of Object.keys(layout)) if (/^[xy]axis/.test(name)) layout[name] = { ...axis, ...layout[name] };
  return layout;
}

// A legend of its own, which wraps; entries: {label, title, color, pattern or glyph, opacity}.
function drawLegend(id, entries) {
  byId(id).replaceChildren(...entries.map(({ label, title = "", ...mark }) =>
    element("span", { role: "listitem", title }, mark.glyph ? glyph(mark) : swatch(mark), ` ${label}`)));
}

const glyph = ({ glyph: sign, color }) => element("span", { class: "glyph", style: `color:${color}`, "aria-hidden": "true" }, sign);

function swatch({ color, pattern, opacity = 1 }) {
  return svgElement("svg", { width: 22, height: 14, "aria-hidden": "true", style: `opacity:${opacity}` },
    svgElement("rect", { width: 22, height: 14, fill: color }),
    svgElement("path", { d: SWATCH_LINES[pattern], stroke: "rgba(0,0,0,0.6)", "stroke-width": 1.6, fill: "none" }));
}

const groupEntries = (shown) => groups.filter(shown).map((group) => ({ ...group, title: group.meaning }));

const SWATCH_LINES = {
  "": "", "/": "M-2 14L8 0M6 14L16 0M14 14L24 0", "\\": "M-2 0L8 14M6 0L16 14M14 0L24 14",
  ".": "M3 4h2M10 4h2M17 4h2M6 10h2M13 10h2", x: "M0 0L11 14L22 0M0 14L11 0L22 14", "-": "M0 4H22M0 10H22",
  "|": "M4 0V14M11 0V14M18 0V14",
};

// Draw a plot, or draw it again; its place keeps the plot's height, on paper too.
function drawPlot(id, traces, layout, options = PLOT_OPTIONS) {
  byId(id).style.height = `${layout.height}px`;
  Plotly.react(id, traces, layout, options);
}

const PLOT_OPTIONS = { displaylogo: false, responsive: true, displayModeBar: false };
const TIME_OPTIONS = { ...PLOT_OPTIONS, doubleClick: false };

const fillPattern = (group) => ({
  shape: group.pattern, size: 6, solidity: 0.3, bgcolor: group.color, fgcolor: "rgba(0,0,0,0.55)", fillmode: "replace",
});
