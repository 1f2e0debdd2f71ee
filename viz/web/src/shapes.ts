// three.js objects of a drawing and of a surface, in a unit sphere around the origin.

import {
  BufferAttribute,
  BufferGeometry,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshStandardMaterial,
  Object3D,
  DoubleSide,
} from "three";
import { colourOf, type Limits } from "./colours";
import type { Drawing, Joint, Tube } from "./lattice";
import { surfaceOf, type Surface } from "./sphere";

const SIDES = 24;
const STRUT: [number, number, number] = [0.663, 0.741, 0.824];
const MARKED: [number, number, number] = [0.91, 0.45, 0.23];

export interface Marked {
  readonly strut?: number;
  readonly node?: number;
}

class Builder {
  readonly points: number[] = [];
  readonly normals: number[] = [];
  readonly colours: number[] = [];
  readonly faces: number[] = [];
  /** Number of the part, by face. */
  readonly parts: number[] = [];

  point(p: number[], n: number[], colour: readonly number[]): number {
    this.points.push(p[0], p[1], p[2]);
    this.normals.push(n[0], n[1], n[2]);
    this.colours.push(colour[0], colour[1], colour[2]);
    return this.points.length / 3 - 1;
  }

  face(a: number, b: number, c: number, part: number): void {
    this.faces.push(a, b, c);
    this.parts.push(part);
  }

  mesh(): Mesh {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(this.points), 3));
    geometry.setAttribute("normal", new BufferAttribute(new Float32Array(this.normals), 3));
    geometry.setAttribute("color", new BufferAttribute(new Float32Array(this.colours), 3));
    geometry.setIndex(new BufferAttribute(new Uint32Array(this.faces), 1));
    const mesh = new Mesh(geometry, surfaceMaterial());
    mesh.userData.parts = this.parts;
    return mesh;
  }
}

function surfaceMaterial(): MeshStandardMaterial {
  return new MeshStandardMaterial({
    vertexColors: true, roughness: 0.55, metalness: 0.05, side: DoubleSide,
  });
}

/** Tubes, joints and cell edges; `userData.kind` of the meshes is "strut", "joint" or absent. */
export function latticeGroup(drawing: Drawing, marked: Marked): Group {
  const group = new Group();
  const { centre, reach } = drawing;
  const place = (p: readonly number[]) => p.map((x, k) => (x - centre[k]) / reach);
  const struts = new Builder();
  for (const tube of drawing.tubes) addTube(struts, tube, place, reach, marked.strut);
  const joints = new Builder();
  for (const joint of drawing.joints) addJoint(joints, joint, place, reach, marked.node);
  const edges = new BufferGeometry();
  const ends = drawing.edges.flat().flatMap(place);
  edges.setAttribute("position", new BufferAttribute(new Float32Array(ends), 3));
  const parts: [Object3D, string][] = [[struts.mesh(), "strut"], [joints.mesh(), "joint"]];
  for (const [mesh, kind] of parts) {
    mesh.userData.kind = kind;
    group.add(mesh);
  }
  group.add(new LineSegments(edges, new LineBasicMaterial({ color: 0x75808c })));
  return group;
}

function addTube(
  builder: Builder,
  tube: Tube,
  place: (p: readonly number[]) => number[],
  reach: number,
  marked: number | undefined,
): void {
  const [start, end] = [place(tube.start), place(tube.end)];
  const axis = end.map((x, k) => x - start[k]);
  const length = Math.hypot(...axis);
  const t = axis.map((x) => x / length);
  const k = t.map(Math.abs).indexOf(Math.min(...t.map(Math.abs)));
  const side = t.map((x, m) => (m === k ? 1 : 0) - t[k] * x);
  const size = Math.hypot(...side);
  const u = side.map((x) => x / size);
  const v = [t[1] * u[2] - t[2] * u[1], t[2] * u[0] - t[0] * u[2], t[0] * u[1] - t[1] * u[0]];
  const colour = tube.strut === marked ? MARKED : STRUT;
  const rings = [[start, tube.startRadius], [end, tube.endRadius]] as [number[], number][];
  const numbers = rings.map(([origin, radius]) =>
    Array.from({ length: SIDES }, (_, s) => {
      const angle = (2 * Math.PI * s) / SIDES;
      const n = u.map((x, m) => Math.cos(angle) * x + Math.sin(angle) * v[m]);
      return builder.point(origin.map((x, m) => x + (radius / reach) * n[m]), n, colour);
    }),
  );
  for (let s = 0; s < SIDES; s++) {
    const next = (s + 1) % SIDES;
    builder.face(numbers[0][s], numbers[0][next], numbers[1][next], tube.strut);
    builder.face(numbers[0][s], numbers[1][next], numbers[1][s], tube.strut);
  }
}

let ball: Surface | undefined;

function addJoint(
  builder: Builder,
  joint: Joint,
  place: (p: readonly number[]) => number[],
  reach: number,
  marked: number | undefined,
): void {
  ball ??= surfaceOf(() => 1, 1, 2);
  const centre = place(joint.centre);
  const chosen = joint.node === marked;
  const colour = chosen ? MARKED : STRUT;
  const radius = (joint.radius / reach) * (chosen ? 1.15 : 1);
  const first = builder.points.length / 3;
  for (let k = 0; k < ball.directions.length; k += 3) {
    const n = [...ball.directions.subarray(k, k + 3)];
    builder.point(centre.map((x, m) => x + radius * n[m]), n, colour);
  }
  for (let k = 0; k < ball.faces.length; k += 3) {
    const [a, b, c] = ball.faces.subarray(k, k + 3);
    builder.face(first + a, first + b, first + c, joint.node);
  }
}

/** Size of the largest radius of a surface, which leaves room for the labels of the axes. */
export const SURFACE_SIZE = 0.83;

/** The surface as a mesh with colours; a ghost is a transparent grey. */
export function surfaceMesh(
  surface: Surface, limits: Limits, largest: number, ghost = false,
): Mesh {
  const count = surface.values.length;
  const positions = new Float32Array(3 * count);
  const colours = new Float32Array(3 * count);
  for (let k = 0; k < count; k++) {
    const radius = (SURFACE_SIZE * Math.abs(surface.values[k])) / largest;
    colours.set(colourOf(surface.values[k], limits), 3 * k);
    for (let m = 0; m < 3; m++) positions[3 * k + m] = radius * surface.directions[3 * k + m];
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setAttribute("color", new BufferAttribute(colours, 3));
  geometry.setIndex(new BufferAttribute(surface.faces, 1));
  geometry.computeVertexNormals();
  if (!ghost) return new Mesh(geometry, surfaceMaterial());
  // Drawn over everything, so that a smaller surface inside a larger one is seen.
  const material = new MeshStandardMaterial({
    color: 0x30363d, transparent: true, opacity: 0.24, depthTest: false, depthWrite: false,
  });
  return new Mesh(geometry, material);
}

/** Three lines through the origin along the axes. */
export function axesLines(): LineSegments {
  const ends = [0, 1, 2].flatMap((k) => [-0.97, 0.97].flatMap((x) => {
    const p = [0, 0, 0];
    p[k] = x;
    return p;
  }));
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(ends), 3));
  return new LineSegments(geometry, new LineBasicMaterial({ color: 0x9aa4ae }));
}

/** Free the memory of everything below an object. */
export function dispose(object: Object3D): void {
  object.traverse((part) => {
    if (part instanceof Mesh || part instanceof LineSegments) {
      part.geometry.dispose();
      (part.material as MeshStandardMaterial).dispose();
    }
  });
}
