// What every view uses: the data, elements, numbers and names as text.

const data = JSON.parse(document.getElementById("data").textContent);
const layers = data.layers;
const TOTAL_CYCLES = data.total.total_cycles;
const CAUSE_NAMES = data.causes.map((cause) => cause.name);
const USEFUL = CAUSE_NAMES.indexOf("useful");
const SVG = "http://www.w3.org/2000/svg";

function byId(id) {
  return document.getElementById(id);
}

// Make an element; attributes whose name begins with "on" are listeners, children that are text stay text.
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function button(label, title, onclick) {
  return element("button", { type: "button", title, onclick }, label);
}

function choice(label, options, onchange) {
  const list = element("select", { onchange: () => onchange(list.value) });
  for (const [value, text] of options) list.append(element("option", { value }, text));
  return element("label", {}, `${label} `, list);
}

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });
const whole = (number) => NUMBER.format(number);
const percent = (part, all) => (all ? `${((100 * part) / all).toFixed(part && part / all < 0.0995 ? 2 : 1)} %` : "0 %");

// Three digits and a prefix: 16,283,114 -> 16.3 M.
function brief(number) {
  if (number < 1000) return number < 100 && number % 1 ? number.toFixed(2) : `${Math.round(number)}`;
  const step = Math.min(4, Math.floor(Math.log10(number) / 3));
  const value = number / 1000 ** step;
  return `${value.toPrecision(Math.max(3, Math.ceil(Math.log10(value))))} ${" kMGT"[step]}`;
}

function bytes(number) {
  if (number < 1024) return `${number} B`;
  const step = Math.min(4, Math.floor(Math.log2(number) / 10));
  return `${(number / 1024 ** step).toFixed(1)} ${" KMGT"[step]}iB`;
}

function seconds(cycles) {
  const time = cycles / data.machine.clock_hz;
  const [unit, scale] = [["s", 1], ["ms", 1e3], ["µs", 1e6], ["ns", 1e9]].find(([, s]) => time * s >= 1) || ["ns", 1e9];
  return `${(time * scale).toPrecision(4)} ${unit}`;
}

// The middle of a long name is left out; where hardly any room is, all but its end.
function shorten(text, most) {
  if (text.length <= most) return text;
  if (most < 10) return `…${text.slice(text.length - most + 1)}`;
  const head = Math.ceil((most - 1) * 0.4);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

// A layer's name without what its blocks repeat and without its operator: /layer3/layer3.0/conv2/Conv is layer3.0/conv2.
function compact(name) {
  const parts = name.split("/").filter(Boolean);
  if (parts.length > 1 && /^[A-Z][A-Za-z0-9]*$/.test(parts[parts.length - 1])) parts.pop();
  return parts.filter((part, i) => !(i + 1 < parts.length && parts[i + 1].startsWith(`${part}.`))).join("/") || name;
}

// Plotly reads tags and entities in its texts: names must not be any.
function plain(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const lost = (costs) => costs.total_cycles - costs.cycles[USEFUL];
const moved = (costs) => sum(costs.traffic);
const intensity = (costs) => (moved(costs) ? costs.macs / moved(costs) : 0);
const throughput = (costs) => (costs.total_cycles ? costs.macs / costs.total_cycles : 0);
const utilization = (costs) => throughput(costs) / data.peak_macs_per_cycle;

// The cause that takes most of what is lost: its index, or -1 where nothing is.
function largestLoss(costs) {
  let largest = -1;
  costs.cycles.forEach((cycles, cause) => {
    if (cause !== USEFUL && cycles > 0 && (largest < 0 || cycles > costs.cycles[largest])) largest = cause;
  });
  return largest;
}

const counted = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
const readable = (name) => name.replace(/_/g, " ");

// Undo runtime/report/arrays.py: arrays by name, as typed arrays.
async function unpackArrays({ table, zlib }) {
  const packed = Uint8Array.from(atob(zlib), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const all = new Uint8Array(await new Response(stream).arrayBuffer());
  const arrays = {};
  for (const [name, entry] of Object.entries(table)) arrays[name] = unpackArray(all, entry);
  return arrays;
}

function unpackArray(all, { offset, count, bytes: width, differences }) {
  const values = differences ? new Float64Array(count) : new ({ 1: Uint8Array, 2: Uint16Array, 4: Uint32Array })[width](count);
  for (let plane = 0; plane < width; plane++) {
    const scale = 256 ** plane;
    const start = offset + plane * count;
    for (let i = 0; i < count; i++) values[i] += all[start + i] * scale;
  }
  if (differences) for (let i = 1; i < count; i++) values[i] += values[i - 1];
  return values;
}

// The last index whose value is at most x in an ascending array, -1 where there is none.
function lastAtMost(values, x) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
