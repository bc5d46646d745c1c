// Draw every view; when all of them answer, `tpukitReady` becomes true (`tpukitReadyMs` after
// the navigation began), and `data-ready` appears at the root.

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
  for (const view of [() => startTimeline(arrays), () => startOccupancy(arrays), startRoofline, startLosses]) {
    view();
    await new Promise((resolve) => setTimeout(resolve));
  }
  onTheme(drawTimeline);
  window.tpukitReady = true;
  window.tpukitReadyMs = performance.now();
  document.documentElement.dataset.ready = "true";
}

start();
