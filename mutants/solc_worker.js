// Keeps the WebAssembly compiler loaded: a standard-JSON input per line comes in, its output goes out as a line.
"use strict";

const fs = require("node:fs");
const readline = require("node:readline");
const solc = require("solc");

const read = (name) => (fs.existsSync(name) ? { contents: fs.readFileSync(name, "utf8") } : { error: `no ${name}` });

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => process.stdout.write(solc.compile(line, { import: read }) + "\n"));
