// The page that `lattice-gnn report` writes: views of the numbers that it holds.

import { QUANTITIES, type Matrix } from "./elasticity";
import type { Lattice } from "./lattice";
import { Viewer } from "./viewer";

interface Stiffness {
  readonly stiffness: { readonly mandel: Matrix };
}

export interface Entry {
  readonly lattice: Lattice;
  readonly prediction?: Stiffness;
  readonly beam?: Stiffness;
  readonly solid?: Stiffness;
}

const METHODS: Readonly<Record<string, string>> = {
  prediction: "network", solid: "solid FEM", beam: "beam FEM",
};

/** Options of a list, the first one chosen. */
export function fill(select: HTMLSelectElement, options: Readonly<Record<string, string>>): void {
  select.replaceChildren(
    ...Object.entries(options).map(([value, label]) => new Option(label, value)),
  );
}

export function quantityTitles(): Record<string, string> {
  return Object.fromEntries(Object.entries(QUANTITIES).map(([key, { title }]) => [key, title]));
}

/** Offer what a page holds to whoever saves it, as a file. */
export function save(name: string, content: BlobPart, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function startReport(): Viewer | null {
  const text = document.getElementById("report")!.textContent!;
  const entries: Entry[] = JSON.parse(text).lattices;
  document.getElementById("save")!.addEventListener("click", () => {
    save("report.json", JSON.stringify(JSON.parse(text), null, 1), "application/json");
  });
  document.getElementById("print")!.addEventListener("click", () => window.print());
  const viewer = new Viewer(document.getElementById("viewer")!);
  const lists = Object.fromEntries(
    ["lattice", "quantity", "method", "ghost"].map((id) => [
      id, document.getElementById(id) as HTMLSelectElement,
    ]),
  );
  const names = entries.map((entry, k) => [k, entry.lattice.name || `lattice ${k}`]);
  fill(lists.lattice, Object.fromEntries(names));
  lists.lattice.parentElement!.hidden = entries.length === 1;
  fill(lists.quantity, quantityTitles());
  const stiffness = (method: string): Matrix | null => {
    const entry = entries[Number(lists.lattice.value)];
    return entry[method as keyof Entry] ? (entry[method as "beam"] as Stiffness).stiffness.mandel : null;
  };
  const offer = () => {
    const known = Object.entries(METHODS).filter(([method]) => stiffness(method));
    fill(lists.method, Object.fromEntries(known));
    fill(lists.ghost, { "": "nothing", ...Object.fromEntries(known) });
    lists.ghost.parentElement!.hidden = known.length < 2;
  };
  const show = () =>
    viewer.show({
      lattice: entries[Number(lists.lattice.value)].lattice,
      stiffness: stiffness(lists.method.value),
      ghost: lists.ghost.value ? stiffness(lists.ghost.value) : null,
      quantity: lists.quantity.value,
    });
  lists.lattice.addEventListener("change", offer);
  for (const list of Object.values(lists)) list.addEventListener("change", show);
  offer();
  show();
  return viewer;
}
