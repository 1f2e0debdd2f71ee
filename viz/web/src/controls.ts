// Sliders of the app: what they show, and what they change.

import type { App } from "./app";
import { byId, slider, type Slider } from "./page";
import type { CellInfo } from "./server";
import {
  meanRadius, relativeDensity, withDensity, withNode, withNu, withRadius, withStrain,
  withStrutRadius,
  type State,
} from "./state";

const SHAPE = ["11", "22", "33", "23", "13", "12"];

export class Controls {
  private readonly density: Slider;
  private readonly radius: Slider;
  private readonly nu: Slider;
  private readonly strains: Slider[];
  private readonly strutRadius: Slider;
  private readonly coordinates: Slider[];

  constructor(private readonly app: App) {
    this.density = this.slider("density", withDensity, true);
    this.radius = this.slider("radius", withRadius, true);
    this.nu = this.slider("nu", withNu);
    this.strains = SHAPE.map((name, k) =>
      this.slider(`strain-${name}`, (state, value) =>
        withStrain(state, state.strain.map((x, m) => (m === k ? value : x)))),
    );
    this.strutRadius = this.slider("strut-radius", (state, value) => {
      const strut = app.picked?.strut;
      return strut === undefined ? state : withStrutRadius(state, strut, value);
    }, true);
    this.coordinates = [0, 1, 2].map((k) =>
      this.slider(`node-${k}`, (state, value) => {
        const node = app.picked?.node;
        if (node === undefined) return state;
        const place = state.lattice.nodes[node].map((x, m) => (m === k ? value : x));
        return withNode(state, node, place);
      }),
    );
  }

  private slider(
    id: string, change: (state: State, value: number) => State, logarithmic = false,
  ): Slider {
    const { app } = this;
    return slider(id, {
      start: () => app.remember(),
      change: (value) => app.change(change(app.state, value)),
      logarithmic,
    });
  }

  /** Move every slider to the state. */
  show(): void {
    const { lattice, strain } = this.app.state;
    const density = relativeDensity(lattice);
    this.density.show(density, Math.min(density, 0.005), Math.max(density, 0.5));
    const radius = meanRadius(lattice);
    const factor = Math.sqrt(0.5 / density);
    this.radius.show(radius, radius * Math.sqrt(0.005 / density), radius * Math.max(factor, 1));
    this.nu.show(lattice.material.nu, Math.min(lattice.material.nu, 0), 0.49);
    this.strains.forEach((each, k) => each.show(strain[k], -0.3, 0.3));
    this.showSelection();
  }

  private showSelection(): void {
    const { picked, state: { lattice } } = this.app;
    byId("selection").hidden = !picked;
    if (!picked) return;
    const isStrut = picked.kind === "strut";
    byId("selected").textContent = isStrut ? `Strut ${picked.strut}` : `Joint ${picked.node}`;
    byId("strut-radius").parentElement!.hidden = !isStrut;
    for (const k of [0, 1, 2]) byId(`node-${k}`).parentElement!.hidden = isStrut;
    if (picked.strut !== undefined) {
      const { radius } = lattice.struts[picked.strut];
      const mean = meanRadius(lattice);
      this.strutRadius.show(radius, Math.min(radius, mean / 4), Math.max(radius, 2.5 * mean));
    }
    if (picked.node !== undefined) {
      lattice.nodes[picked.node].forEach((x, k) => this.coordinates[k].show(x, x - 0.25, x + 0.25));
    }
  }

  /** Offer the parameters of a named cell. */
  showParameters(
    info: CellInfo, values: Record<string, number>, change: (values: Record<string, number>) => void,
  ): void {
    const fields = Object.entries(info.parameters).map(([name, standard]) => {
      const label = document.createElement("label");
      const field = document.createElement("input");
      field.type = "number";
      field.step = "any";
      field.name = name;
      const value = values[name] ?? standard;
      field.value = value === null ? "" : String(value);
      field.placeholder = "automatic";
      field.addEventListener("change", () => {
        const { [name]: _, ...others } = values;
        change(field.value === "" ? others : { ...others, [name]: field.valueAsNumber });
      });
      label.append(`${name} `, field);
      return label;
    });
    byId("parameters").replaceChildren(...fields);
    byId("parameters").title = info.summary;
  }
}
