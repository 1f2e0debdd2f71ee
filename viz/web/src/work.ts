// Long work on the server: solid FEM, watched and stopped.

import type { App } from "./app";
import type { Matrix } from "./elasticity";
import { attempt, button, byId } from "./page";
import { follow, server } from "./server";

/** Let the buttons of the panel "Solid FEM" start and stop it. */
export function startWork(app: App): void {
  let job: string | null = null;
  const bar = byId<HTMLProgressElement>("solid-progress");
  const said = byId("solid-said");
  const running = (is: boolean) => {
    button("solid").disabled = is;
    button("solid-stop").disabled = !is;
    bar.hidden = !is;
  };
  button("solid").addEventListener("click", () => attempt(async () => {
    const { lattice } = app.state;
    running(true);
    said.textContent = "";
    try {
      ({ job } = await server.begin({ kind: "solid", lattice }));
      const found = await follow(job, ({ now, share }) => {
        bar.value = Number(share ?? 0);
        if (now) said.textContent = String(now);
      });
      if (found.state === "failed") throw new Error(found.error);
      if (!found.result) {
        said.textContent = "stopped";
        return;
      }
      app.solid = { lattice, mandel: found.result.mandel as Matrix };
      const error = (100 * Number(found.result.error)).toPrecision(2);
      said.textContent = `drawn in grey; estimated error ${error} %, computed in ` +
        `${Number(found.result.seconds).toFixed(1)} s`;
      app.draw();
    } finally {
      running(false);
      job = null;
    }
  }));
  button("solid-stop").addEventListener("click", () => attempt(async () => {
    if (job) await server.stop(job);
  }));
}
