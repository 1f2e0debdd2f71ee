// Bundle the pages' script into ../front.js, with the digest of its sources in the first line.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { build } from "esbuild";

const sources = readdirSync(".").filter((name) => name.endsWith(".ts") || name === "package.json");
const licence = readFileSync("../front.LICENSE", "utf8").trim();
const digest = createHash("sha256");
for (const name of sources.sort()) digest.update(readFileSync(name));
await build({
  entryPoints: ["main.ts"],
  outfile: "../front.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "utf8",
  legalComments: "none",
  banner: {
    js: `/* lattice-gnn (MIT) with three.js. Sources: sha256 ${digest.digest("hex")}\n\n${licence}\n*/`,
  },
});
