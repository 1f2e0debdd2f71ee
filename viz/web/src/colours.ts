// Colour maps and the scale beside a surface.

/** Viridis at 0, 1/8, ..., 1. */
const VIRIDIS = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141],
  [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37],
];
const NEGATIVE = [196, 83, 45];

export interface Limits {
  readonly low: number;
  readonly high: number;
}

/** Red, green and blue from 0 to 1 of a value; negative ones are orange. */
export function colourOf(value: number, limits: Limits): [number, number, number] {
  const rgb = value < 0 ? NEGATIVE : viridis(share(value, limits));
  return [rgb[0] / 255, rgb[1] / 255, rgb[2] / 255];
}

function share(value: number, { low, high }: Limits): number {
  const start = Math.max(low, 0);
  return high > start ? Math.min(Math.max((value - start) / (high - start), 0), 1) : 0.5;
}

function viridis(t: number): number[] {
  const place = t * (VIRIDIS.length - 1);
  const k = Math.min(Math.floor(place), VIRIDIS.length - 2);
  return VIRIDIS[k].map((from, i) => from + (place - k) * (VIRIDIS[k + 1][i] - from));
}

/** The scale: a bar with five ticks and the unit, as text. */
export function scaleBar(limits: Limits, unit: string): HTMLElement {
  const bar = document.createElement("div");
  bar.className = "scale";
  const stops = VIRIDIS.map((rgb) => `rgb(${rgb.join(" ")})`).join(",");
  const start = Math.max(limits.low, 0);
  const ticks = [4, 3, 2, 1, 0].map((k) => start + (k / 4) * (limits.high - start));
  const spread = limits.high - start > 1e-6 * Math.abs(limits.high);
  const shown = spread ? ticks : [limits.high];
  bar.innerHTML =
    `<b>${unit}</b><div class="bar" style="background:linear-gradient(to top,${stops})"></div>` +
    `<ol>${shown.map((value) => `<li>${digits(value)}</li>`).join("")}</ol>` +
    (limits.low < 0 ? `<i>negative: orange, down to ${digits(limits.low)}</i>` : "");
  return bar;
}

/** A number with three significant digits, without an exponent from 0.001 to 9999. */
export function digits(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(2);
}
