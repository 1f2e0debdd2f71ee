// Questions to the server that the page came from; the token is in the address, after the #.

import type { Matrix } from "./elasticity";
import type { Lattice } from "./lattice";

export interface Summary {
  readonly mandel: Matrix;
  readonly moduli: Readonly<Record<string, number>> | null;
}

export interface Live {
  readonly relative_density: number;
  readonly results: { readonly network?: Summary; readonly beam: Summary };
  readonly refused: string;
  readonly expected_error: { readonly median: number; readonly against: string } | null;
  readonly outside: string[];
  readonly warnings: string[];
  readonly milliseconds: number;
}

export interface CellInfo {
  readonly name: string;
  readonly summary: string;
  readonly parameters: Readonly<Record<string, number | null>>;
}

export interface Watched {
  readonly state: "running" | "done" | "failed" | "stopped";
  readonly progress: Readonly<Record<string, unknown>>;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: string;
}

const token = location.hash.slice(1);

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`/api/${path}`, {
      ...options,
      headers: { authorization: `Bearer ${token}` },
    });
  } catch {
    throw new Error("The server does not answer: is `lattice-gnn app` still running?");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let said = text;
  try {
    said = JSON.parse(text).error ?? text;
  } catch {
    // A refusal of the guard is plain text.
  }
  throw new Error(said);
}

async function post<T>(path: string, values: unknown): Promise<T> {
  return (await ask(path, { method: "POST", body: JSON.stringify(values) })).json();
}

export const server = {
  start: async (): Promise<{ cells: CellInfo[]; lattices: Lattice[] }> =>
    (await ask("start")).json(),
  cell: (values: unknown) => post<{ lattice: Lattice }>("cell", values),
  live: (lattice: Lattice) => post<Live>("live", { lattice }),
  full: (lattice: Lattice) => post<{ html: string; prediction: unknown }>("full", { lattice }),
  save: async (lattice: Lattice, kind: string): Promise<{ name: string; content: Blob }> => {
    const answer = await ask("save", { method: "POST", body: JSON.stringify({ lattice, kind }) });
    const told = answer.headers.get("content-disposition") ?? "";
    const name = decodeURIComponent(told.split("filename*=UTF-8''")[1] ?? "lattice");
    return { name, content: await answer.blob() };
  },
  read: async (file: File): Promise<{ lattices: Lattice[]; notes: string[] }> => {
    const path = `read?name=${encodeURIComponent(file.name)}`;
    return (await ask(path, { method: "POST", body: file })).json();
  },
  begin: (values: unknown) => post<{ job: string }>("jobs", values),
  watch: async (job: string): Promise<Watched> => (await ask(`jobs/${job}`)).json(),
  stop: async (job: string): Promise<void> => {
    await ask(`jobs/${job}`, { method: "DELETE" });
  },
};

/** Watch a job until it ends; `tell` gets its progress about four times per second. */
export async function follow(job: string, tell: (told: Watched["progress"]) => void): Promise<Watched> {
  for (;;) {
    const found = await server.watch(job);
    tell(found.progress);
    if (found.state !== "running") return found;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
