// The lattice of a page: the JSON of lattice-gnn/lattice/1, its periodic images, and edits of it.

import type { Vector } from "./elasticity";

export interface Strut {
  i: number;
  j: number;
  shift: [number, number, number];
  radius: number;
  end_radius?: number;
  inner_radius?: number;
  E?: number;
  nu?: number;
}

export interface Lattice {
  schema: string;
  name: string;
  units: string;
  cell: number[][];
  nodes: number[][];
  struts: Strut[];
  material: { E: number; nu: number };
}

export interface Tube {
  readonly strut: number;
  readonly start: Vector;
  readonly end: Vector;
  readonly startRadius: number;
  readonly endRadius: number;
}

export interface Joint {
  readonly node: number;
  readonly centre: Vector;
  readonly radius: number;
}

export interface Drawing {
  readonly tubes: Tube[];
  readonly joints: Joint[];
  readonly edges: [Vector, Vector][];
  readonly centre: Vector;
  /** Largest distance from the centre. */
  readonly reach: number;
}

const TOLERANCE = 0.05;

export function toCartesian(cell: number[][], f: readonly number[]): Vector {
  const at = (k: number) => f[0] * cell[0][k] + f[1] * cell[1][k] + f[2] * cell[2][k];
  return [at(0), at(1), at(2)];
}

/**
 * Every image of a strut whose midpoint lies in the closed cell, up to 5 % of a cell vector
 * outside: a strut in a face is drawn in the opposite face too.
 */
export function drawingOf(lattice: Lattice): Drawing {
  const { cell, nodes, struts } = lattice;
  const tubes: Tube[] = [];
  const joints = new Map<string, { node: number; centre: Vector; radius: number }>();
  const join = (node: number, offset: number[], radius: number): Vector => {
    const key = `${node},${offset.join(",")}`;
    const known = joints.get(key);
    const centre = known?.centre ?? toCartesian(cell, nodes[node].map((x, k) => x + offset[k]));
    joints.set(key, { node, centre, radius: Math.max(radius, known?.radius ?? 0) });
    return centre;
  };
  struts.forEach((strut, number) => {
    const ends = [nodes[strut.i], nodes[strut.j]];
    const middle = [0, 1, 2].map((k) => (ends[0][k] + ends[1][k] + strut.shift[k]) / 2);
    for (const offset of offsets(middle)) {
      const startRadius = strut.radius;
      const endRadius = strut.end_radius ?? strut.radius;
      const start = join(strut.i, offset, startRadius);
      const end = join(strut.j, offset.map((x, k) => x + strut.shift[k]), endRadius);
      tubes.push({ strut: number, start, end, startRadius, endRadius });
    }
  });
  const edges = edgesOf(cell);
  const centre = toCartesian(cell, [0.5, 0.5, 0.5]);
  const distance = (p: Vector) => Math.hypot(p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]);
  const reach = Math.max(
    ...[...joints.values()].map((joint) => distance(joint.centre) + joint.radius),
    ...edges.flat().map(distance),
  );
  return { tubes, joints: [...joints.values()], edges, centre, reach };
}

function offsets(middle: number[]): number[][] {
  const ranges = middle.map((x) => {
    const found: number[] = [];
    for (let k = Math.ceil(-x - TOLERANCE); k <= Math.floor(1 - x + TOLERANCE); k++) found.push(k);
    return found;
  });
  return ranges[0].flatMap((a) => ranges[1].flatMap((b) => ranges[2].map((c) => [a, b, c])));
}

function edgesOf(cell: number[][]): [Vector, Vector][] {
  const found: [Vector, Vector][] = [];
  for (let axis = 0; axis < 3; axis++) {
    for (const a of [0, 1]) {
      for (const b of [0, 1]) {
        const corner = [a, b];
        corner.splice(axis, 0, 0);
        const far = [...corner];
        far[axis] = 1;
        found.push([toCartesian(cell, corner), toCartesian(cell, far)]);
      }
    }
  }
  return found;
}

/** Lengths of the cell vectors and the angles between 2 and 3, 1 and 3, 1 and 2, in degrees. */
export function cellShape(cell: number[][]): { lengths: number[]; angles: number[] } {
  const lengths = cell.map((row) => Math.hypot(...row));
  const angle = (a: number, b: number) => {
    const cosine = cell[a].reduce((sum, x, k) => sum + x * cell[b][k], 0) / lengths[a] / lengths[b];
    return (Math.acos(Math.min(Math.max(cosine, -1), 1)) * 180) / Math.PI;
  };
  return { lengths, angles: [angle(1, 2), angle(0, 2), angle(0, 1)] };
}
