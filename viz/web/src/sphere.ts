// A closed surface r(n) over the unit sphere, refined where it is sharp.

import type { Vector } from "./elasticity";

export interface Surface {
  /** Unit vectors, three numbers each. */
  readonly directions: Float64Array;
  readonly values: Float64Array;
  /** Three numbers each, anticlockwise from outside. */
  readonly faces: Uint32Array;
}

interface Mesh {
  points: number[][];
  faces: number[][];
}

const ROUNDS = 8;
const MOST_FACES = 120_000;

function icosahedron(): Mesh {
  const golden = (1 + Math.sqrt(5)) / 2;
  const points: number[][] = [];
  for (const s of [-1, 1]) {
    for (const t of [-1, 1]) {
      points.push([0, s, t * golden], [t * golden, 0, s], [s, t * golden, 0]);
    }
  }
  const near = (a: number, b: number) =>
    Math.abs(Math.hypot(...points[a].map((x, k) => x - points[b][k])) - 2) < 1e-9;
  const faces: number[][] = [];
  for (let a = 0; a < 12; a++) {
    for (let b = a + 1; b < 12; b++) {
      for (let c = b + 1; c < 12; c++) {
        if (!near(a, b) || !near(b, c) || !near(a, c)) continue;
        faces.push(determinant(points[a], points[b], points[c]) > 0 ? [a, b, c] : [a, c, b]);
      }
    }
  }
  return { points: points.map(unit), faces };
}

function unit(p: number[]): number[] {
  const length = Math.hypot(p[0], p[1], p[2]);
  return [p[0] / length, p[1] / length, p[2] / length];
}

function determinant(a: number[], b: number[], c: number[]): number {
  return (
    a[0] * (b[1] * c[2] - b[2] * c[1]) -
    a[1] * (b[0] * c[2] - b[2] * c[0]) +
    a[2] * (b[0] * c[1] - b[1] * c[0])
  );
}

/** Pieces of a triangle whose edges ab, bc, ca have the midpoints x, y, z, or none (-1). */
function pieces(face: number[], x: number, y: number, z: number): number[][] {
  const [a, b, c] = face;
  if (x < 0 && y < 0 && z < 0) return [face];
  if (x >= 0 && y >= 0 && z >= 0) return [[a, x, z], [x, b, y], [z, y, c], [x, y, z]];
  // Turn the triangle so that ab is halved and, if two edges are, bc too.
  if (x < 0 || (z >= 0 && y < 0)) return pieces([b, c, a], y, z, x);
  return y < 0 ? [[a, x, c], [x, b, c]] : [[x, b, y], [a, x, y], [a, y, c]];
}

/** Halve the edges for which `wanted` holds; the mesh stays closed. Returns whether any was. */
function split(mesh: Mesh, wanted: (a: number, b: number, middle: number[]) => boolean): boolean {
  const middles = new Map<number, number>();
  const count = mesh.points.length;
  const before = count;
  const halve = (a: number, b: number): number => {
    const key = Math.min(a, b) * count + Math.max(a, b);
    const known = middles.get(key);
    if (known !== undefined) return known;
    const [p, q] = [mesh.points[a], mesh.points[b]];
    const middle = unit([p[0] + q[0], p[1] + q[1], p[2] + q[2]]);
    const number = wanted(a, b, middle) ? mesh.points.push(middle) - 1 : -1;
    middles.set(key, number);
    return number;
  };
  mesh.faces = mesh.faces.flatMap((face) => {
    const [a, b, c] = face;
    return pieces(face, halve(a, b), halve(b, c), halve(c, a));
  });
  return mesh.points.length > before;
}

const START = new Map<number, Mesh>();

function icosphere(level: number): Mesh {
  let found = START.get(level);
  if (!found) {
    found = icosahedron();
    for (let k = 0; k < level; k++) split(found, () => true);
    START.set(level, found);
  }
  return { points: [...found.points], faces: found.faces };
}

/**
 * Mesh of the surface with radius |f(n)|: edges that deviate from it by more than the tolerance
 * (relative to the largest value), or are 15 times as long, are halved up to eight times.
 */
export function surfaceOf(f: (n: Vector) => number, tolerance = 4e-3, level = 4): Surface {
  const mesh = icosphere(level);
  const values = mesh.points.map((p) => f(p as unknown as Vector));
  for (let round = 0; round < ROUNDS && mesh.faces.length < MOST_FACES; round++) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const added: number[] = [];
    const split_any = split(mesh, (a, b, middle) => {
      const [p, q, r, s] = [mesh.points[a], mesh.points[b], values[a], values[b]];
      const value = f(middle as unknown as Vector);
      const [R, S, M] = [Math.abs(r), Math.abs(s), Math.abs(value)];
      let [gap, length] = [0, 0];
      for (let k = 0; k < 3; k++) {
        gap += (M * middle[k] - (R * p[k] + S * q[k]) / 2) ** 2;
        length += (R * p[k] - S * q[k]) ** 2;
      }
      const error = Math.max(Math.sqrt(gap), Math.sqrt(length) / 15);
      if (error <= tolerance * largest) return false;
      added.push(value);
      return true;
    });
    values.push(...added);
    if (!split_any) break;
  }
  return {
    directions: Float64Array.from(mesh.points.flat()),
    values: Float64Array.from(values),
    faces: Uint32Array.from(mesh.faces.flat()),
  };
}
