// Colours and patterns: those of Okabe and Ito, told apart by people who see few colours, and patterns for who sees none.

const GROUP_STYLE = {
  useful: { color: "#0072b2", pattern: "" },
  underused: { color: "#56b4e9", pattern: "/" },
  vector: { color: "#009e73", pattern: "\\" },
  pipeline: { color: "#f0e442", pattern: "." },
  memory: { color: "#d55e00", pattern: "x" },
  bank: { color: "#e69f00", pattern: "-" },
  engine: { color: "#cc79a7", pattern: "|" },
  idle: { color: "#9a9a9a", pattern: "" },
};
const groups = data.groups.map((group) => ({ ...group, ...GROUP_STYLE[group.key] }));
const groupOfCause = (cause) => groups[data.causes[cause].group];

const HEAT = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

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
    setTheme("light");
  });
  window.addEventListener("afterprint", () => setTheme(before));
}

const styleValue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// What all plots have in common; `more` wins.
function plotLayout(more) {
  const line = styleValue("--grid");
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, tickcolor: line, automargin: true };
  const layout = {
    font: { family: "system-ui, sans-serif", size: 13, color: styleValue("--text") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 70, r: 16, t: 8, b: 44 },
    hoverlabel: {
      bgcolor: styleValue("--card"), bordercolor: styleValue("--text"), align: "left",
      font: { color: styleValue("--text"), size: 13 },
    },
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left", font: { size: 12 } },
    ...more,
  };
  for (const name of Object.keys(layout)) if (/^[xy]axis/.test(name)) layout[name] = { ...axis, ...layout[name] };
  return layout;
}

const PLOT_OPTIONS = { displaylogo: false, responsive: true, displayModeBar: false };

const fillPattern = (group) => ({
  shape: group.pattern, size: 6, solidity: 0.3, bgcolor: group.color, fgcolor: "rgba(0,0,0,0.55)", fillmode: "replace",
});
