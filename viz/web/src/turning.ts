// Mouse, touch and keys of a viewer: turn, zoom, pick, drag a joint.

import type { Picked, Viewer } from "./viewer";

const DEGREES = 0.45;
const CLICK = 4;

/** Let the pointer and the keys turn a viewer. */
export function listen(viewer: Viewer): void {
  const { canvas } = viewer;
  const pointers = new Map<number, [number, number]>();
  let start: [number, number] | null = null;
  let held: Picked | null = null;
  let moved = false;

  const here = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, here(event));
    start = here(event);
    moved = false;
    const under = viewer.onMove && !event.shiftKey ? viewer.pick(...start) : null;
    held = under?.kind === "joint" ? under : null;
    if (held) viewer.onPick?.(held);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !start) return;
    const now = here(event);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    moved ||= Math.hypot(now[0] - start[0], now[1] - start[1]) > CLICK;
    if (!moved) return;
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
      const gap = (p: [number, number]) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      viewer.turn(0, 0, gap(now) / Math.max(gap(before), 1));
    } else if (held) {
      viewer.onMove?.(viewer.movement(now[0] - start[0], now[1] - start[1]), false);
    } else {
      viewer.turn(-DEGREES * dx, DEGREES * dy);
    }
    pointers.set(event.pointerId, now);
  });
  const finish = (event: PointerEvent) => {
    if (!pointers.delete(event.pointerId) || !start) return;
    const now = here(event);
    if (held && moved) viewer.onMove?.(viewer.movement(now[0] - start[0], now[1] - start[1]), true);
    if (!moved && !held && event.type === "pointerup") viewer.onPick?.(viewer.pick(...now));
    held = null;
    if (pointers.size === 0) start = null;
  };
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      viewer.turn(0, 0, Math.exp(-event.deltaY / 600));
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => turnByKey(viewer, event));
}

const KEYS: Readonly<Record<string, [number, number, number]>> = {
  ArrowLeft: [8, 0, 1],
  ArrowRight: [-8, 0, 1],
  ArrowUp: [0, -8, 1],
  ArrowDown: [0, 8, 1],
  "+": [0, 0, 1.15],
  "-": [0, 0, 1 / 1.15],
};

function turnByKey(viewer: Viewer, event: KeyboardEvent): void {
  const change = KEYS[event.key];
  if (!change) return;
  event.preventDefault();
  viewer.turn(...change);
}
