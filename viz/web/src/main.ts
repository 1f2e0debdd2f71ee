// Start the page that the bundle is part of.

import { startApp } from "./app";
import { startReport } from "./report";

const pages: Record<string, () => unknown> = { app: startApp, report: startReport };

function start(): void {
  const page = document.body.dataset.page ?? "";
  try {
    (window as unknown as Record<string, unknown>).latticeGnn = pages[page]();
  } catch (error) {
    // Without WebGL the drawing that the page came with stays, and every number.
    const notice = document.getElementById("no3d");
    if (!notice) throw error;
    notice.hidden = false;
    notice.textContent = `No 3-D view: ${error instanceof Error ? error.message : error}`;
  }
}

start();
