// Draw every view; `tpukitReady` becomes true when all of them answer.

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
  startOccupancy(arrays);
  startRoofline();
  startLosses();
  window.tpukitReady = true;
}

start();
