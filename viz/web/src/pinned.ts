// The pinned stiffness: of another lattice, or an isotropic target.

import type { Live, Summary } from "./server";
import type { State } from "./state";

export interface Pinned {
  readonly title: string;
  /** The lattice, to swap with; null for a target. */
  readonly state: State | null;
  readonly density: number | null;
  readonly summary: Summary;
}

export function pinnedLattice(state: State, live: Live): Pinned {
  return {
    title: `pinned: ${state.lattice.name || "lattice"}`,
    state,
    density: live.relative_density,
    summary: live.results.network ?? live.results.beam,
  };
}

/** The stiffness of an isotropic solid with E/E_s and nu. */
export function isotropicTarget(E: number, nu: number): Pinned {
  if (!(E > 0) || !(nu > -1 && nu < 0.5)) {
    throw new Error("The target needs E/E_s above 0 and ν between -1 and 0.5.");
  }
  const G = E / (2 * (1 + nu));
  const K = E / (3 * (1 - 2 * nu));
  const lambda = K - (2 * G) / 3;
  const mandel = Array.from({ length: 6 }, (_, i) =>
    Array.from({ length: 6 }, (_, j) => (i === j ? 2 * G : 0) + (i < 3 && j < 3 ? lambda : 0)),
  );
  const moduli = {
    E1: E, E2: E, E3: E, E_min: E, E_max: E, K_hill: K, G_hill: G, nu_hill: nu, A_U: 0,
  };
  return { title: "target: isotropic", state: null, density: null, summary: { mandel, moduli } };
}
