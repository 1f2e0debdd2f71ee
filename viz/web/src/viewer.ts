// Lattice and surface side by side on one canvas, turned together.

import {
  DirectionalLight,
  Group,
  HemisphereLight,
  OrthographicCamera,
  Raycaster,
  Scene,
  Vector2,
  Vector3,
  WebGLRenderer,
} from "three";
import { digits, scaleBar, type Limits } from "./colours";
import { inverse, QUANTITIES, type Matrix, type Quantity, type Vector } from "./elasticity";
import { drawingOf, type Drawing, type Lattice } from "./lattice";
import { axesLines, dispose, latticeGroup, surfaceMesh, type Marked } from "./shapes";
import { listen } from "./turning";
import { surfaceOf, type Surface } from "./sphere";

const HALF_SIZE = 1.12;
/** Pixels by which the surface is moved to the left and down. */
const ROOM: readonly [number, number] = [38, 12];
/** Of a page of A4 or Letter, margins aside. */
const PAPER = { width: "660px", height: "315px" };
const BACKGROUND = 0xffffff;

export interface Shown {
  readonly lattice: Lattice;
  /** C / E_s, Mandel; null where it is singular or unknown. */
  readonly stiffness: Matrix | null;
  /** A second stiffness, drawn as a transparent surface. */
  readonly ghost?: Matrix | null;
  readonly quantity: string;
  readonly marked?: Marked;
  /** Coarser surface while a slider moves. */
  readonly draft?: boolean;
}

export interface Picked extends Marked {
  readonly kind: "strut" | "joint";
}

interface Half {
  readonly scene: Scene;
  readonly content: Group;
  readonly labels: HTMLElement;
}

export class Viewer {
  azimuth = -68;
  elevation = 22;
  zoom = 1;
  /** Number of frames drawn so far. */
  frames = 0;
  onPick: ((picked: Picked | null) => void) | null = null;
  /** Called while a joint is dragged, with the movement in the plane of the picture. */
  onMove: ((movement: Vector, finished: boolean) => void) | null = null;
  readonly canvas: HTMLCanvasElement;
  private readonly renderer: WebGLRenderer;
  private readonly camera = new OrthographicCamera();
  private readonly light = new DirectionalLight(0xffffff, 2.2);
  private readonly halves: [Half, Half];
  private drawing: Drawing | null = null;
  private units = "";
  private readonly inverses = new WeakMap<object, Matrix | null>();
  private readonly copy = document.createElement("canvas");
  private density = 1;
  private waiting = false;

  constructor(private readonly place: HTMLElement) {
    this.renderer = new WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    place.replaceChildren(this.canvas);
    this.halves = [this.half("lattice"), this.half("surface")];
    this.renderer.setScissorTest(true);
    listen(this);
    new ResizeObserver(() => this.draw()).observe(place);
    window.addEventListener("beforeprint", () => this.toPaper());
    window.addEventListener("afterprint", () => this.toWindow());
  }

  private half(name: string): Half {
    const scene = new Scene();
    const labels = document.createElement("div");
    labels.className = `labels ${name}`;
    this.place.append(labels);
    const content = new Group();
    scene.add(content, new HemisphereLight(0xffffff, 0x8b95a1, 1.5));
    return { scene, content, labels };
  }

  /** Draw at once in a size that fits on paper; a copy, as WebGL shows new frames only later. */
  private toPaper(): void {
    Object.assign(this.place.style, PAPER);
    this.density = 3;
    this.render();
    const { width, height } = this.canvas;
    Object.assign(this.copy, { width, height });
    this.copy.getContext("2d")?.drawImage(this.canvas, 0, 0);
    this.canvas.replaceWith(this.copy);
  }

  private toWindow(): void {
    this.copy.replaceWith(this.canvas);
    Object.assign(this.place.style, { width: "", height: "" });
    this.density = 1;
    this.draw();
  }

  show(shown: Shown): void {
    const [left, right] = this.halves;
    for (const { content } of this.halves) {
      dispose(content);
      content.clear();
    }
    this.drawing = drawingOf(shown.lattice);
    this.units = shown.lattice.units;
    left.content.add(latticeGroup(this.drawing, shown.marked ?? {}));
    left.labels.replaceChildren(text("heading", shown.lattice.name || "unnamed lattice"));
    const quantity = QUANTITIES[shown.quantity];
    this.showSurface(right, quantity, shown);
    this.draw();
  }

  private showSurface(half: Half, quantity: Quantity, shown: Shown): void {
    half.content.add(axesLines());
    const tolerance = shown.draft ? 1.5e-2 : 4e-3;
    const surfaces = [shown.stiffness, shown.ghost ?? null].map((C) => {
      const S = C && this.compliance(C);
      return S ? surfaceOf((n) => quantity.at(S, n), tolerance, shown.draft ? 3 : 4) : null;
    });
    const heading = text("heading", "");
    half.labels.replaceChildren(heading);
    const [main, ghost] = surfaces;
    if (!main) {
      heading.textContent = `${quantity.title}: not defined, the stiffness is singular`;
      this.canvas.setAttribute("aria-label", heading.textContent);
      return;
    }
    const limits = limitsOf(main);
    const sizes = surfaces.map((surface) => (surface ? largestOf(limitsOf(surface)) : 0));
    const largest = Math.max(...sizes) || 1;
    half.content.add(surfaceMesh(main, limits, largest));
    if (ghost) half.content.add(surfaceMesh(ghost, limits, largest, true));
    heading.textContent = quantity.title;
    half.labels.append(scaleBar(limits, quantity.unit));
    this.canvas.setAttribute(
      "aria-label",
      `The lattice ${shown.lattice.name} beside the surface of ${quantity.title}, from ` +
        `${digits(limits.low)} to ${digits(limits.high)} (${quantity.unit}). Arrow keys turn it.`,
    );
  }

  private compliance(C: Matrix): Matrix | null {
    let found = this.inverses.get(C);
    if (found === undefined) this.inverses.set(C, (found = inverse(C)));
    return found;
  }

  /** Draw once at the next frame. */
  draw(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.render());
  }

  private render(): void {
    this.waiting = false;
    const { clientWidth: width, clientHeight: height } = this.place;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.max(window.devicePixelRatio, this.density));
    this.renderer.setSize(width, height);
    const areas = this.areas(width, height);
    this.halves.forEach((half, k) => {
      const { x, y, width: w, height: h } = areas[k];
      this.aim(w, h, k === 1 ? ROOM : [0, 0]);
      half.scene.add(this.light);
      this.renderer.setViewport(x, height - y - h, w, h);
      this.renderer.setScissor(x, height - y - h, w, h);
      this.renderer.setClearColor(BACKGROUND);
      this.renderer.render(half.scene, this.camera);
      Object.assign(half.labels.style, {
        left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px`,
      });
      this.annotate(half, k, w, h);
    });
    this.frames++;
  }

  /** The two halves in pixels from the top left corner: side by side, or stacked if narrow. */
  private areas(width: number, height: number) {
    const beside = width >= height;
    const [w, h] = beside ? [width / 2, height] : [width, height / 2];
    return [0, 1].map((k) => ({
      x: beside ? k * w : 0, y: beside ? 0 : k * h, width: w, height: h,
    }));
  }

  /** Unit vectors to the right, up and towards the eye. */
  axes(): [Vector, Vector, Vector] {
    const [a, e] = [this.azimuth, this.elevation].map((x) => (x * Math.PI) / 180);
    const eye: Vector = [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)];
    const right: Vector = [-Math.sin(a), Math.cos(a), 0];
    const up: Vector = [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)];
    return [right, up, eye];
  }

  /** Set the camera for an area with room for the scale on the right and the heading above. */
  private aim(w: number, h: number, [x, y]: readonly [number, number]): void {
    const [right, up, eye] = this.axes();
    const scale = this.scale(w, h - 2 * y);
    Object.assign(this.camera, {
      left: (x - w / 2) / scale, right: (x + w / 2) / scale,
      top: (y + h / 2) / scale, bottom: (y - h / 2) / scale, near: 0.1, far: 20,
    });
    this.camera.up.set(...up);
    this.camera.position.set(...eye).multiplyScalar(6);
    this.camera.lookAt(0, 0, 0);
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld();
    const lamp = [0, 1, 2].map((k) => eye[k] - 0.5 * right[k] + 0.8 * up[k]);
    this.light.position.set(lamp[0], lamp[1], lamp[2]).multiplyScalar(5);
  }

  /** Pixels per unit of the scene. */
  private scale(w: number, h: number): number {
    return (Math.min(w, h) / 2 / HALF_SIZE) * this.zoom;
  }

  /** Names of the axes at their ends, and a length below the lattice. */
  private annotate(half: Half, k: number, w: number, h: number): void {
    half.labels.querySelectorAll(".axis, .length, svg.triad").forEach((old) => old.remove());
    const scale = this.scale(w, h);
    const [right, up] = this.axes();
    if (k === 1) {
      for (let axis = 0; axis < 3; axis++) {
        const label = text("axis", String(axis + 1));
        const [x, y] = ROOM;
        const reach = 1.03 * this.scale(w, h - 2 * y);
        label.style.left = `${w / 2 - x + reach * right[axis]}px`;
        label.style.top = `${h / 2 + y - reach * up[axis]}px`;
        half.labels.append(label);
      }
      return;
    }
    half.labels.append(triad(right, up));
    if (!this.drawing) return;
    const pixels = scale / this.drawing.reach;
    const length = roundBelow((0.3 * w) / pixels);
    const label = text("length", `${digits(length)} ${this.units || "(unit of the cell)"}`);
    const bar = text("bar", "");
    bar.style.width = `${length * pixels}px`;
    label.append(bar);
    half.labels.append(label);
  }

  /** What lies under a point of the canvas. */
  pick(x: number, y: number): Picked | null {
    const { clientWidth: width, clientHeight: height } = this.place;
    const area = this.areas(width, height)[0];
    const place = new Vector2((2 * x) / area.width - 1, 1 - (2 * y) / area.height);
    if (Math.abs(place.x) > 1 || Math.abs(place.y) > 1) return null;
    this.aim(area.width, area.height, [0, 0]);
    const ray = new Raycaster();
    ray.setFromCamera(place, this.camera);
    for (const hit of ray.intersectObject(this.halves[0].content, true)) {
      const kind = hit.object.userData.kind as "strut" | "joint" | undefined;
      if (!kind || hit.faceIndex == null) continue;
      const joint = this.jointAt(hit.point);
      if (joint !== null) return { kind: "joint", node: joint };
      const part = (hit.object.userData.parts as number[])[hit.faceIndex];
      return kind === "strut" ? { kind, strut: part } : { kind, node: part };
    }
    return null;
  }

  /** The joint around a point of the scene: struts end inside it, so its ball is mostly hidden. */
  private jointAt(point: Vector3): number | null {
    if (!this.drawing) return null;
    const { joints, centre, reach } = this.drawing;
    const found = joints.find((joint) => {
      const gap = joint.centre.map((x, k) => (x - centre[k]) / reach - point.getComponent(k));
      return Math.hypot(...gap) < (1.5 * joint.radius) / reach;
    });
    return found ? found.node : null;
  }

  /** A movement on the canvas, in pixels, as a vector of the lattice. */
  movement(dx: number, dy: number): Vector {
    const { clientWidth: width, clientHeight: height } = this.place;
    const { width: w, height: h } = this.areas(width, height)[0];
    const scale = this.scale(w, h);
    const [right, up] = this.axes().map((axis) => new Vector3(...axis));
    const moved = right.multiplyScalar(dx).addScaledVector(up, -dy);
    moved.multiplyScalar((this.drawing?.reach ?? 1) / scale);
    return [moved.x, moved.y, moved.z];
  }

  turn(azimuth: number, elevation: number, zoom = 1): void {
    this.azimuth = (this.azimuth + azimuth) % 360;
    this.elevation = Math.min(Math.max(this.elevation + elevation, -90), 90);
    this.zoom = Math.min(Math.max(this.zoom * zoom, 0.5), 8);
    this.draw();
  }
}

function limitsOf(surface: Surface): Limits {
  let [low, high] = [Infinity, -Infinity];
  for (const value of surface.values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

function largestOf({ low, high }: Limits): number {
  return Math.max(Math.abs(low), Math.abs(high));
}

function text(kind: string, content: string): HTMLElement {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = content;
  return element;
}

/** The largest of 1, 2, 5 times a power of ten that is not above a length. */
function roundBelow(length: number): number {
  const power = 10 ** Math.floor(Math.log10(length));
  return power * ([5, 2].find((k) => k * power <= length) ?? 1);
}

const AXES = ["#c4532d", "#2d8a57", "#2b4fd8"];

function triad(right: Vector, up: Vector): Element {
  const shapes = [0, 1, 2].map((k) => {
    const [x, y] = [36 + 24 * right[k], 36 - 24 * up[k]];
    const [a, b] = [36 + 32 * right[k], 40 - 32 * up[k]];
    return (
      `<line x1="36" y1="36" x2="${x}" y2="${y}" stroke="${AXES[k]}" stroke-width="2"/>` +
      `<text x="${a}" y="${b}" fill="${AXES[k]}" text-anchor="middle">${k + 1}</text>`
    );
  });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "triad");
  svg.setAttribute("viewBox", "0 0 72 72");
  svg.innerHTML = shapes.join("");
  return svg;
}
