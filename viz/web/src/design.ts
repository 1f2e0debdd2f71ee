// The panel "Design": a design run on the server, watched and stopped.

import type { App } from "./app";
import { digits } from "./colours";
import type { Lattice } from "./lattice";
import { attempt, button, byId, input, list } from "./page";
import { pinnedLattice } from "./pinned";
import type { Matrix } from "./elasticity";
import { follow, server, type Watched } from "./server";
import { relativeDensity, stateOf } from "./state";

const FACTORS = [1, 1, 1, Math.SQRT2, Math.SQRT2, Math.SQRT2];
const VARIABLES = ["nodes", "radii", "cell_shape"];

interface Row {
  readonly name: string;
  readonly value: number;
  readonly satisfied: boolean;
}

interface Report {
  readonly status: string;
  readonly verdict: string;
  readonly objective: { name: string; start: number; value: number; reference: number | null };
  readonly constraints: readonly Row[];
  readonly notes: readonly string[];
}

function toVoigt(mandel: Matrix): number[][] {
  return mandel.map((row, i) => row.map((value, j) => value / (FACTORS[i] * FACTORS[j])));
}

/** The task as the page states it. */
function task(app: App): Record<string, unknown> {
  const aim = list("aim").value;
  if (aim === "target" && !app.pinned) {
    throw new Error("Pin a lattice or an isotropic target first: it is what the design approaches.");
  }
  const lines = byId<HTMLTextAreaElement>("constraints").value.split("\n");
  return {
    ...(aim === "target"
      ? { target: { voigt: toVoigt(app.pinned!.summary.mandel) } }
      : { [aim]: input("objective").value }),
    subject_to: lines.map((line) => line.trim()).filter(Boolean),
    vary: VARIABLES.filter((name) => input(`vary-${name}`).checked),
    keep_symmetry: input("keep-symmetry").checked,
    fidelity: list("fidelity").value,
  };
}

/** Let the buttons of the panel start and stop a design. */
export function startDesign(app: App): void {
  let job: string | null = null;
  const said = byId("design-said");
  const constraints = byId<HTMLTextAreaElement>("constraints");
  byId("design").closest("details")!.addEventListener("toggle", () => {
    if (constraints.value) return;
    constraints.value = `relative_density <= ${digits(relativeDensity(app.state.lattice))}`;
  });
  list("aim").addEventListener("change", () => {
    input("objective").hidden = list("aim").value === "target";
  });
  const running = (is: boolean) => {
    button("design").disabled = is;
    button("design-stop").disabled = !is;
  };
  button("design").addEventListener("click", () => attempt(async () => {
    const start = app.state;
    const pin = app.live && !app.pinned ? pinnedLattice(start, app.live) : null;
    const values = { kind: "design", lattice: start.lattice, ...task(app) };
    running(true);
    said.textContent = "starting ...";
    const course: number[] = [];
    try {
      ({ job } = await server.begin(values));
      const found = await follow(job, (told) => tell(told, course));
      if (found.state === "failed") throw new Error(found.error);
      if (!found.result) {
        said.textContent = "stopped before a design was found";
        return;
      }
      if (pin) app.pin(pin);
      app.set(stateOf(found.result.lattice as Lattice));
      said.textContent = summary(found.result.report as Report);
    } catch (error) {
      said.textContent = "";
      throw error;
    } finally {
      running(false);
      job = null;
    }
  }));
  button("design-stop").addEventListener("click", () => attempt(async () => {
    if (!job) return;
    said.textContent = "stopping ...; once more to drop the design";
    await server.stop(job);
  }));

  function tell(told: Watched["progress"], course: number[]): void {
    if (told.objective === undefined) return;
    course.push(Number(told.objective));
    const violation = Number(told.violation);
    const held = violation > 0 ? `violated by ${digits(violation)}` : "satisfied";
    if (!said.textContent?.startsWith("stopping")) {
      said.textContent = `${told.phase}, step ${told.step}: ${digits(Number(told.objective))}, ` +
        `constraints ${held}`;
    }
    byId("course").innerHTML = curve(course);
  }
}

function summary({ status, verdict, objective, constraints, notes }: Report): string {
  const reference = objective.reference === null ? "" :
    `, ${digits(objective.reference)} by the reference`;
  const rows = constraints.map(({ name, value, satisfied }) =>
    `${name}: ${digits(value)}${satisfied ? "" : ", VIOLATED"}`);
  return [
    `${status}, ${verdict}. ${objective.name}: ${digits(objective.start)} → ` +
      `${digits(objective.value)}${reference}.`,
    ...rows.map((row) => `${row}.`),
    ...notes,
  ].join(" ");
}

/** The objective over the course of the search. */
function curve(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = (value: number) => 64 - (high > low ? (54 * (value - low)) / (high - low) : 27);
  const x = (k: number) => 6 + (values.length > 1 ? (258 * k) / (values.length - 1) : 0);
  const points = values.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return (
    `<svg viewBox="0 0 270 74" role="img" preserveAspectRatio="none"><title>Objective, from ` +
    `${digits(values[0])} to ${digits(values[values.length - 1])}</title><polyline points="${points}" ` +
    `fill="none" stroke="#2b4fd8" stroke-width="1.8" vector-effect="non-scaling-stroke"/></svg>`
  );
}
