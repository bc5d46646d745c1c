// The engines' runs and instructions, asked for by window: the work does not depend on how long the program is.

const CHECKPOINT_RUNS = 64;

// The engine with the ends of its runs, and the cycles of each group of states before every 64th of them.
function openEngine(arrays, { name, resolution_cycles: resolution }) {
  const cycles = arrays[`${name}.cycles`];
  const state = arrays[`${name}.state`];
  const ends = new Float64Array(cycles.length);
  const before = [];
  const totals = new Float64Array(groups.length);
  let end = 0;
  for (let i = 0; i < cycles.length; i++) {
    if (i % CHECKPOINT_RUNS === 0) before.push(totals.slice());
    end += cycles[i];
    ends[i] = end;
    totals[data.states[state[i]].group] += cycles[i];
  }
  const issue = arrays[`${name}.issue`];
  const duration = arrays[`${name}.duration`];
  const longest = duration.reduce((most, each) => Math.max(most, each), 0);
  return {
    name, resolution, ends, state, before, total: totals, issue, duration, longest,
    layer: arrays[`${name}.layer`], instructionLayer: arrays[`${name}.instruction_layer`],
  };
}

// The run in which the time between cycles t and t + 1 lies (time 0 is the beginning of cycle 1).
const runAt = (engine, time) => Math.min(lastAtMost(engine.ends, time) + 1, engine.ends.length - 1);
const runStart = (engine, run) => (run ? engine.ends[run - 1] : 0);
const groupOfRun = (engine, run) => data.states[engine.state[run]].group;

// Cycles of each group of states before a time.
function cyclesBefore(engine, time) {
  const last = runAt(engine, time);
  const checkpoint = Math.floor(last / CHECKPOINT_RUNS);
  const totals = engine.before[checkpoint].slice();
  for (let run = checkpoint * CHECKPOINT_RUNS; run <= last; run++) {
    totals[groupOfRun(engine, run)] += Math.min(time, engine.ends[run]) - runStart(engine, run);
  }
  return totals;
}

// Parts of [low, high): {from, to, shares by group}. Exact runs where there are few, else equal steps.
function statesIn(engine, low, high, most) {
  if (!engine.ends.length) return [];
  const [first, last] = [runAt(engine, low), runAt(engine, Math.max(low, high - 1e-6))];
  const parts = [];
  if (last - first < most) {
    for (let run = first; run <= last; run++) {
      const shares = groups.map((_, group) => (groupOfRun(engine, run) === group ? 1 : 0));
      parts.push({ from: Math.max(low, runStart(engine, run)), to: Math.min(high, engine.ends[run]), shares });
    }
    return parts;
  }
  const width = (high - low) / most;
  let before = cyclesBefore(engine, low);
  for (let step = 0; step < most; step++) {
    const to = low + (step + 1) * width;
    const after = cyclesBefore(engine, to);
    parts.push({ from: low + step * width, to, shares: Array.from(after, (value, group) => (value - before[group]) / width) });
    before = after;
  }
  return parts;
}

// Neighbouring cycles of one layer in [low, high): {from, to, layer}, looked at in `most` places where there are more runs.
function layersIn(engine, low, high, most) {
  if (!engine.ends.length) return [];
  const [first, last] = [runAt(engine, low), runAt(engine, Math.max(low, high - 1e-6))];
  const exact = last - first < most;
  const count = exact ? last - first + 1 : most;
  const width = (high - low) / most;
  const parts = [];
  for (let i = 0; i < count; i++) {
    const run = exact ? first + i : runAt(engine, low + (i + 0.5) * width);
    const from = exact ? Math.max(low, runStart(engine, run)) : low + i * width;
    const to = exact ? Math.min(high, engine.ends[run]) : from + width;
    const layer = engine.layer[run] - 1;
    const previous = parts[parts.length - 1];
    if (previous && previous.layer === layer) previous.to = to;
    else parts.push({ from, to, layer });
  }
  return parts;
}

// Instructions on their way in [low, high), null where there are more than `most`: {from, to, layer, lane}.
function instructionsIn(engine, low, high, most) {
  const start = lastAtMost(engine.issue, low - engine.longest) + 1;
  const stop = lastAtMost(engine.issue, high) + 1;
  if (stop - start > 20 * most) return null;
  const found = [];
  const lanes = [];
  for (let i = start; i < stop; i++) {
    const [from, to] = [engine.issue[i] - 1, engine.issue[i] + engine.duration[i]];
    if (to < low) continue;
    let lane = lanes.findIndex((end) => end <= from);
    if (lane < 0) lane = lanes.length;
    lanes[lane] = to;
    found.push({ from, to, layer: engine.instructionLayer[i] - 1, lane });
    if (found.length > most) return null;
  }
  found.lanes = lanes.length;
  return found;
}
