// Directional moduli of one stiffness. Matrices are in Mandel notation, order 11 22 33 23 13 12.

export type Vector = readonly [number, number, number];
export type Matrix = readonly (readonly number[])[];

const HALF_ROOT = Math.SQRT1_2;

/** Inverse by Gauss-Jordan elimination with row exchange; null where it is singular to rounding. */
export function inverse(matrix: Matrix): number[][] | null {
  const size = matrix.length;
  const largest = Math.max(...matrix.flat().map(Math.abs));
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    }
    const head = rows[pivot][column];
    if (!(Math.abs(head) > 1e-13 * largest)) return null;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    rows[column] = rows[column].map((value) => value / head);
    for (let row = 0; row < size; row++) {
      const factor = rows[row][column];
      if (row === column || factor === 0) continue;
      rows[row] = rows[row].map((value, k) => value - factor * rows[column][k]);
    }
  }
  return rows.map((row) => row.slice(size));
}

/** Mandel vector of the symmetric part of n m. */
export function dyad(n: Vector, m: Vector): number[] {
  return [
    n[0] * m[0],
    n[1] * m[1],
    n[2] * m[2],
    (n[1] * m[2] + n[2] * m[1]) * HALF_ROOT,
    (n[0] * m[2] + n[2] * m[0]) * HALF_ROOT,
    (n[0] * m[1] + n[1] * m[0]) * HALF_ROOT,
  ];
}

export function times(matrix: Matrix, vector: readonly number[]): number[] {
  return matrix.map((row) => dot(row, vector));
}

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/** Two unit vectors perpendicular to n and to each other. */
function crossPair(n: Vector): [Vector, Vector] {
  const k = Math.abs(n[0]) <= Math.abs(n[1]) ? (Math.abs(n[0]) <= Math.abs(n[2]) ? 0 : 2)
    : Math.abs(n[1]) <= Math.abs(n[2]) ? 1 : 2;
  const u = [-n[k] * n[0], -n[k] * n[1], -n[k] * n[2]];
  u[k] += 1;
  const length = Math.hypot(u[0], u[1], u[2]);
  const a: Vector = [u[0] / length, u[1] / length, u[2] / length];
  return [a, [n[1] * a[2] - n[2] * a[1], n[2] * a[0] - n[0] * a[2], n[0] * a[1] - n[1] * a[0]]];
}

/** Smallest and largest eigenvalue of [[a, b], [b, c]]. */
function eigenvalues(a: number, b: number, c: number): [number, number] {
  const reach = Math.hypot((a - c) / 2, b);
  return [(a + c) / 2 - reach, (a + c) / 2 + reach];
}

export interface Quantity {
  readonly title: string;
  readonly unit: string;
  readonly at: (S: Matrix, n: Vector) => number;
}

function youngModulus(S: Matrix, n: Vector): number {
  const a = dyad(n, n);
  return 1 / dot(a, times(S, a));
}

/** Over all m perpendicular to n: the extremes of 4 S_nmnm = 1/G. */
function shearCompliances(S: Matrix, n: Vector): [number, number] {
  const [u, v] = crossPair(n);
  const [p, q] = [dyad(n, u), dyad(n, v)];
  const Sp = times(S, p);
  return eigenvalues(4 * dot(p, Sp), 4 * dot(q, Sp), 4 * dot(q, times(S, q)));
}

/** Over all m perpendicular to n: the extremes of the strain along m under a unit load along n. */
function crossStrains(S: Matrix, n: Vector): [number, number] {
  const [u, v] = crossPair(n);
  const strain = times(S, dyad(n, n));
  return eigenvalues(
    dot(strain, dyad(u, u)),
    dot(strain, dyad(u, v)),
    dot(strain, dyad(v, v)),
  );
}

/** What the surface can show: the value in direction n is its radius. */
export const QUANTITIES: Readonly<Record<string, Quantity>> = {
  E: { title: "Young's modulus E(n)", unit: "E/E_s", at: youngModulus },
  beta: {
    title: "Linear compressibility β(n)",
    unit: "β E_s",
    at: (S, n) => {
      const strain = times(S, dyad(n, n));
      return strain[0] + strain[1] + strain[2];
    },
  },
  Gmax: {
    title: "Largest shear modulus G(n, m) over m",
    unit: "G/E_s",
    at: (S, n) => 1 / shearCompliances(S, n)[0],
  },
  Gmin: {
    title: "Smallest shear modulus G(n, m) over m",
    unit: "G/E_s",
    at: (S, n) => 1 / shearCompliances(S, n)[1],
  },
  numax: {
    title: "Largest Poisson's ratio ν(n, m) over m",
    unit: "ν",
    at: (S, n) => -youngModulus(S, n) * crossStrains(S, n)[0],
  },
  numin: {
    title: "Smallest Poisson's ratio ν(n, m) over m",
    unit: "ν",
    at: (S, n) => -youngModulus(S, n) * crossStrains(S, n)[1],
  },
};
