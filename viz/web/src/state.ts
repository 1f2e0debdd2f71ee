// What the user works on, its changes, and undo. States are values: every change makes a new one.

import { toCartesian, type Lattice } from "./lattice";
import type { Vector } from "./elasticity";

export interface State {
  readonly lattice: Lattice;
  /** The cell before the strain of the sliders. */
  readonly cell: number[][];
  /** Strain of the cell, order 11 22 33 23 13 12 (tensor components). */
  readonly strain: readonly number[];
}

const PLACES = [[0, 0], [1, 1], [2, 2], [1, 2], [0, 2], [0, 1]];

export function stateOf(lattice: Lattice): State {
  return { lattice, cell: lattice.cell, strain: [0, 0, 0, 0, 0, 0] };
}

/** All radii of the lattice multiplied by a factor; tapers and bores keep their ratio. */
export function scaled(state: State, factor: number): State {
  const struts = state.lattice.struts.map((strut) => ({
    ...strut,
    radius: strut.radius * factor,
    ...(strut.end_radius !== undefined && { end_radius: strut.end_radius * factor }),
    ...(strut.inner_radius !== undefined && { inner_radius: strut.inner_radius * factor }),
  }));
  return { ...state, lattice: { ...state.lattice, struts } };
}

export function meanRadius(lattice: Lattice): number {
  return lattice.struts.reduce((sum, strut) => sum + strut.radius, 0) / lattice.struts.length;
}

/** Sum of the strut volumes over the volume of the cell, as `Lattice.relative_density`. */
export function relativeDensity(lattice: Lattice): number {
  const { cell, nodes, struts } = lattice;
  const volumes = struts.map(({ i, j, shift, radius, end_radius: end = radius, inner_radius = 0 }) => {
    const across = [0, 1, 2].map((k) => nodes[j][k] - nodes[i][k] + shift[k]);
    const length = Math.hypot(...toCartesian(cell, across));
    const area = (Math.PI * (radius * radius + radius * end + end * end)) / 3;
    return area * (1 - (inner_radius / radius) ** 2) * length;
  });
  const [a, b, c] = cell;
  const determinant =
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0]);
  return volumes.reduce((sum, volume) => sum + volume, 0) / Math.abs(determinant);
}

export function withDensity(state: State, density: number): State {
  return scaled(state, Math.sqrt(density / relativeDensity(state.lattice)));
}

export function withRadius(state: State, radius: number): State {
  return scaled(state, radius / meanRadius(state.lattice));
}

export function withNu(state: State, nu: number): State {
  const material = { ...state.lattice.material, nu };
  return { ...state, lattice: { ...state.lattice, material } };
}

export function withStrutRadius(state: State, number: number, radius: number): State {
  const struts = state.lattice.struts.map((strut, k) => {
    if (k !== number) return strut;
    const factor = radius / strut.radius;
    return {
      ...strut,
      radius,
      ...(strut.end_radius !== undefined && { end_radius: strut.end_radius * factor }),
      ...(strut.inner_radius !== undefined && { inner_radius: strut.inner_radius * factor }),
    };
  });
  return { ...state, lattice: { ...state.lattice, struts } };
}

export function withNode(state: State, number: number, place: readonly number[]): State {
  const nodes = state.lattice.nodes.map((node, k) => (k === number ? [...place] : node));
  return { ...state, lattice: { ...state.lattice, nodes } };
}

/** Fractional coordinates of a vector of the lattice. */
export function toFractional(cell: number[][], vector: Vector): number[] {
  const [a, b, c] = cell;
  const cross = (p: number[], q: number[]) => [
    p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0],
  ];
  const volume = cross(a, b).reduce((sum, x, k) => sum + x * c[k], 0);
  return [cross(b, c), cross(c, a), cross(a, b)].map(
    (face) => face.reduce((sum, x, k) => sum + x * vector[k], 0) / volume,
  );
}

/** The cell under a strain: every vector x becomes x + strain x; radii are kept. */
export function withStrain(state: State, strain: readonly number[]): State {
  const F: number[][] = [0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? 1 : 0)));
  PLACES.forEach(([i, j], k) => {
    F[i][j] += strain[k];
    if (i !== j) F[j][i] += strain[k];
  });
  const cell = state.cell.map((row) => F.map((line) => line.reduce((s, x, k) => s + x * row[k], 0)));
  return { ...state, strain, lattice: { ...state.lattice, cell } };
}

/** States that can be returned to. */
export class History {
  private past: State[] = [];
  private future: State[] = [];

  /** Remember a state before it is changed. */
  remember(state: State): void {
    if (this.past[this.past.length - 1] === state) return;
    this.past.push(state);
    if (this.past.length > 200) this.past.shift();
    this.future = [];
  }

  undo(now: State): State {
    const before = this.past.pop();
    if (!before) return now;
    this.future.push(now);
    return before;
  }

  redo(now: State): State {
    const after = this.future.pop();
    if (!after) return now;
    this.past.push(now);
    return after;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }
}
