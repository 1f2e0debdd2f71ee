// Elements of the app's page, by their names.

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

export const button = (id: string): HTMLButtonElement => byId<HTMLButtonElement>(id);
export const list = (id: string): HTMLSelectElement => byId<HTMLSelectElement>(id);
export const input = (id: string): HTMLInputElement => byId<HTMLInputElement>(id);

/** Show sentences in a list, which is hidden without any. */
export function tell(id: string, sentences: readonly string[]): void {
  const place = byId(id);
  place.hidden = sentences.length === 0;
  place.replaceChildren(
    ...sentences.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }),
  );
}

/** Run what may fail; a failure is one sentence on the page. */
export async function attempt(work: () => unknown): Promise<void> {
  try {
    tell("errors", []);
    await work();
  } catch (error) {
    tell("errors", [error instanceof Error ? error.message : String(error)]);
  }
}

export interface Slider {
  /** Move the slider without telling anybody. */
  show(value: number, low: number, high: number): void;
}

/**
 * Let a slider change something: `start` before the first change, `change` at every one. With
 * `logarithmic` equal ways are equal ratios.
 */
export function slider(
  id: string,
  options: { start: () => void; change: (value: number) => void; logarithmic?: boolean },
): Slider {
  const range = input(id);
  const output = byId(`${id}-value`);
  const to = options.logarithmic ? Math.log : (x: number) => x;
  const from = options.logarithmic ? Math.exp : (x: number) => x;
  let moving = false;
  range.addEventListener("input", () => {
    if (!moving) options.start();
    moving = true;
    const value = from(Number(range.value));
    output.textContent = String(Number(value.toPrecision(4)));
    options.change(value);
  });
  range.addEventListener("change", () => {
    moving = false;
  });
  return {
    show(value, low, high) {
      if (moving) return;
      range.min = String(to(low));
      range.max = String(to(high));
      range.value = String(to(value));
      output.textContent = String(Number(value.toPrecision(4)));
    },
  };
}
