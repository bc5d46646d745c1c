// Draw every view, the upper ones first. When summary, graph, table and timeline answer, `tpukitReady` becomes true
// (`tpukitReadyMs` after the navigation began); the views below follow one by one, and when all are drawn,
// `data-ready` appears at the root, with the milliseconds until then.

function skipTo(event) {
  const target = document.querySelector(event.target.getAttribute("href"));
  if (target) target.focus({ preventScroll: true });
}

async function start() {
  document.querySelectorAll("a.skip").forEach((link) => link.addEventListener("click", skipTo));
  startTheme();
  startSelection();
  drawSummary();
  drawCauses();
  onTheme(drawCauses);
  startGraph();
  startTable();
  const arrays = await unpackArrays(data.arrays);
  startTimeline(arrays);
  onTheme(drawTimeline);
  window.tpukitReady = true;
  window.tpukitReadyMs = performance.now();
  for (const view of [() => startOccupancy(arrays), startRoofline, startLosses]) {
    await new Promise((resolve) => setTimeout(resolve));
    view();
  }
  document.documentElement.dataset.ready = String(performance.now());
}

start();
