// The app: a lattice that the user changes, and its stiffness, which follows.

import { byId, attempt, button, input, list, tell } from "./page";
import { startDesign } from "./design";
import { Controls } from "./controls";
import { fill, quantityTitles, save } from "./report";
import { isotropicTarget, pinnedLattice, type Pinned } from "./pinned";
import { server, type CellInfo, type Live, type Summary } from "./server";
import { History, relativeDensity, stateOf, toFractional, withNode, type State } from "./state";
import { showNumbers } from "./numbers";
import { startWork } from "./work";
import type { Matrix, Vector } from "./elasticity";
import type { Lattice } from "./lattice";
import { Viewer, type Picked } from "./viewer";

const SETTLED = 350;

export class App {
  state!: State;
  /** The last answer of the server, and the lattice that it is of. */
  live: Live | null = null;
  solved: Lattice | null = null;
  picked: Picked | null = null;
  pinned: Pinned | null = null;
  solid: { lattice: Lattice; mandel: Matrix } | null = null;
  /** Milliseconds from the last change to the drawn answer. */
  latency = 0;
  readonly viewer: Viewer;
  private readonly history = new History();
  private readonly controls: Controls;
  private cells: CellInfo[] = [];
  private opened: Lattice[] = [];
  private asking = false;
  private changed = 0;
  private settle = 0;
  private dragged: State | null = null;

  constructor() {
    this.viewer = new Viewer(byId("viewer"));
    this.viewer.onPick = (picked) => this.pick(picked);
    this.viewer.onMove = (movement, finished) => this.move(movement, finished);
    this.controls = new Controls(this);
    fill(list("quantity"), quantityTitles());
    fill(list("method"), { network: "network", beam: "beam FEM" });
    for (const id of ["quantity", "method"]) list(id).addEventListener("change", () => this.draw());
    this.listen();
    startWork(this);
    startDesign(this);
    void attempt(() => this.begin());
  }

  private async begin(): Promise<void> {
    const { cells, lattices } = await server.start();
    this.cells = cells;
    const options = cells.map(({ name }) => [name, name]);
    fill(list("cell"), { "": "choose ...", ...Object.fromEntries(options) });
    if (lattices.length) this.offer(lattices, []);
    else await this.choose("octet");
  }

  private listen(): void {
    list("cell").addEventListener("change", () => attempt(() => this.choose(list("cell").value)));
    list("member").addEventListener("change", () => {
      this.set(stateOf(this.opened[Number(list("member").value)]));
    });
    input("file").addEventListener("change", () => {
      const [file] = input("file").files ?? [];
      if (file) void attempt(() => this.open(file));
    });
    button("undo").addEventListener("click", () => this.restore(this.history.undo(this.state)));
    button("redo").addEventListener("click", () => this.restore(this.history.redo(this.state)));
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
      event.preventDefault();
      button(event.shiftKey ? "redo" : "undo").click();
    });
    const app = document.querySelector(".app")!;
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      app.classList.add("dropping");
    });
    document.addEventListener("dragleave", () => app.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      app.classList.remove("dropping");
      const file = event.dataTransfer?.files[0];
      if (file) void attempt(() => this.open(file));
    });
    button("pin").addEventListener("click", () => {
      if (this.live) this.pin(pinnedLattice(this.state, this.live));
    });
    button("unpin").addEventListener("click", () => this.pin(null));
    button("target").addEventListener("click", () => attempt(() => {
      this.pin(isotropicTarget(input("target-E").valueAsNumber, input("target-nu").valueAsNumber));
    }));
    button("swap").addEventListener("click", () => {
      const before = this.pinned?.state;
      if (!before || !this.live) return;
      const now = pinnedLattice(this.state, this.live);
      this.set(before);
      this.pin(now);
    });
    button("save").addEventListener("click", () => attempt(async () => {
      const { name, content } = await server.save(this.state.lattice, list("kind").value);
      save(name, content, content.type);
    }));
    button("more").addEventListener("click", () => attempt(() => this.showEverything()));
    button("deselect").addEventListener("click", () => this.pick(null));
  }

  private async choose(name: string, parameters: Record<string, number> = {}): Promise<void> {
    const info = this.cells.find((cell) => cell.name === name);
    if (!info) return;
    const density = this.state ? relativeDensity(this.state.lattice) : 0.1;
    const nu = this.state?.lattice.material.nu ?? 0.3;
    const relative_density = Math.min(Math.max(density, 0.005), 0.5);
    const { lattice } = await server.cell({ name, relative_density, nu, parameters });
    list("cell").value = name;
    byId("several").hidden = true;
    tell("notes", []);
    this.controls.showParameters(info, parameters, (changed) =>
      attempt(() => this.choose(name, changed)));
    this.set(stateOf(lattice));
  }

  private async open(file: File): Promise<void> {
    byId("status").textContent = `reading ${file.name} ...`;
    try {
      const { lattices, notes } = await server.read(file);
      this.offer(lattices, notes);
    } finally {
      byId("status").textContent = "";
      input("file").value = "";
    }
  }

  private offer(lattices: Lattice[], notes: string[]): void {
    this.opened = lattices;
    const names = lattices.map((lattice, k) => [k, lattice.name || `lattice ${k}`]);
    fill(list("member"), Object.fromEntries(names));
    byId("several").hidden = lattices.length < 2;
    list("cell").value = "";
    byId("parameters").replaceChildren();
    tell("notes", notes);
    this.set(stateOf(lattices[0]));
  }

  /** Take another lattice; the old one can be returned to. */
  set(state: State): void {
    if (this.state) this.history.remember(this.state);
    this.restore(state);
  }

  private restore(state: State): void {
    this.picked = null;
    this.change(state);
  }

  /** Remember the state before a change. */
  remember(): void {
    this.history.remember(this.state);
  }

  /** Show a changed lattice at once, and its stiffness as soon as it is known. */
  change(state: State): void {
    this.state = state;
    this.changed = performance.now();
    button("undo").disabled = !this.history.canUndo;
    button("redo").disabled = !this.history.canRedo;
    this.controls.show();
    if (!this.asking) void this.ask();
  }

  /** Ask for the stiffness of the newest lattice, one question at a time. */
  private async ask(): Promise<void> {
    this.asking = true;
    try {
      while (this.solved !== this.state.lattice) {
        const { lattice } = this.state;
        const since = this.changed;
        try {
          this.live = await server.live(lattice);
          tell("errors", []);
        } catch (error) {
          this.live = null;
          tell("errors", [error instanceof Error ? error.message : String(error)]);
        }
        this.solved = lattice;
        this.draw(true);
        this.latency = performance.now() - since;
      }
    } finally {
      this.asking = false;
    }
    window.clearTimeout(this.settle);
    this.settle = window.setTimeout(() => this.draw(), SETTLED);
  }

  private summary(): Summary | undefined {
    const method = list("method").value as "network" | "beam";
    return this.live?.results[method] ?? this.live?.results.beam;
  }

  /** Draw the lattice and what is known of it. */
  draw(draft = false): void {
    const { lattice } = this.state;
    const solid = this.solid?.lattice === lattice ? this.solid.mandel : null;
    this.viewer.show({
      lattice,
      stiffness: this.summary()?.mandel ?? null,
      ghost: this.pinned?.summary.mandel ?? solid,
      quantity: list("quantity").value,
      marked: this.picked ?? {},
      draft,
    });
    this.showLive();
  }

  private showLive(): void {
    const { live } = this;
    const results = live?.results;
    const density = live?.relative_density ?? null;
    const columns = [
      { title: "network", density, summary: results?.network },
      { title: "beam FEM", density, summary: results?.beam },
    ];
    if (this.pinned) columns.push(this.pinned);
    showNumbers(byId("live"), columns);
    const outside = live?.outside.map((note) => `Outside the model's training domain: ${note}.`);
    tell("warnings", [
      ...(live?.refused ? [`No network prediction: ${live.refused}`] : []),
      ...(outside ?? []),
      ...(live?.warnings ?? []),
    ]);
    const expected = live?.expected_error;
    byId("status").textContent = !live ? "" :
      `network: expected error ` +
      `${expected == null ? "unknown" : `${(100 * expected.median).toPrecision(2)} % (median) from ${expected.against}`}` +
      `; computed in ${live.milliseconds.toFixed(0)} ms`;
  }

  /** Pin a stiffness, or nothing. */
  pin(pinned: Pinned | null): void {
    this.pinned = pinned;
    button("unpin").disabled = !pinned;
    button("swap").disabled = !pinned?.state;
    this.draw();
  }

  private pick(picked: Picked | null): void {
    this.picked = picked;
    this.controls.show();
    this.draw();
  }

  /** Drag a joint: the movement is from where it was when the drag began. */
  private move(movement: Vector, finished: boolean): void {
    const node = this.picked?.node;
    if (node === undefined) return;
    if (!this.dragged) {
      this.remember();
      this.dragged = this.state;
    }
    const { cell, nodes } = this.dragged.lattice;
    const by = toFractional(cell, movement);
    this.change(withNode(this.dragged, node, nodes[node].map((x, k) => x + by[k])));
    if (finished) this.dragged = null;
  }

  private async showEverything(): Promise<void> {
    const { lattice } = this.state;
    byId("full").textContent = "computing ...";
    const { html } = await server.full(lattice);
    byId("full").innerHTML = html; // escaped by the server, which the page came from
  }
}

export function startApp(): App {
  return new App();
}
