// The table that follows the sliders.

import type { Summary } from "./server";

export interface Column {
  readonly title: string;
  readonly density: number | null;
  readonly summary: Summary | undefined;
}

const ROWS: readonly [string, string][] = [
  ["E1", "E/E_s along 1"],
  ["E2", "E/E_s along 2"],
  ["E3", "E/E_s along 3"],
  ["E_min", "E/E_s smallest"],
  ["E_max", "E/E_s largest"],
  ["K_hill", "K/E_s (Hill)"],
  ["G_hill", "G/E_s (Hill)"],
  ["nu_hill", "ν (Hill)"],
  ["A_U", "anisotropy A_U"],
];

export function significant(value: number): string {
  return value === 0 || Math.abs(value) < 1e-12 ? "0" : value.toPrecision(5);
}

/** Fill a place with the moduli of several results, one column each. */
export function showNumbers(place: HTMLElement, columns: readonly Column[]): void {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const title of ["", ...columns.map((column) => column.title)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    head.append(cell);
  }
  const body = table.createTBody();
  const row = (key: string, title: string, values: string[]) => {
    const line = body.insertRow();
    line.dataset.row = key;
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = title;
    line.append(name);
    for (const value of values) line.insertCell().textContent = value;
  };
  row("density", "relative density", columns.map(({ density }) =>
    density === null ? "–" : significant(density)));
  for (const [key, title] of ROWS) {
    row(key, title, columns.map(({ summary }) => {
      if (!summary) return "–";
      return summary.moduli ? significant(summary.moduli[key]) : "singular";
    }));
  }
  place.replaceChildren(table);
}
