#!/usr/bin/env node
// The Solidity compiler of the npm package `solc` behind the command line of the native one, as far as Ape uses it:
//
//     solc --version
//     solc --standard-json [--base-path P] [--include-path P]... [--allow-paths P,...] < input.json > output.json
//
// The package's own `solcjs` does not serve: it writes a line of chatter before the JSON, and cuts its output at 64 KiB
// when it writes to a pipe.
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const VALUED = ["base-path", "include-path", "allow-paths"];

function parse(argv) {
  const options = { "base-path": [], "include-path": [], "allow-paths": [] };
  for (let i = 0; i < argv.length; i++) {
    const [, name, inline] = argv[i].match(/^--([a-z-]+)(?:=(.*))?$/s) ?? [];
    if (name === "version" || name === "standard-json") options[name] = true;
    else if (VALUED.includes(name)) options[name].push(inline ?? argv[++i]);
    else fail(`unrecognised option '${argv[i]}'`);
  }
  return options;
}

function fail(message) {
  fs.writeSync(2, message + "\n");
  process.exit(1);
}

// Files are looked up, as the native compiler does, in the base path, then in the include paths; nothing outside them
// and the allowed paths is read.
function reader(options) {
  const roots = [...(options["base-path"].length ? options["base-path"] : ["."]), ...options["include-path"]];
  const allowed = [...roots, ...options["allow-paths"].flatMap((list) => list.split(","))].map((p) => path.resolve(p));
  const inside = (file) => allowed.some((root) => file === root || file.startsWith(root + path.sep));

  return (name) => {
    const candidates = roots.map((root) => path.resolve(root, name.replace(/^file:\/\//, "")));
    const file = candidates.find((candidate) => inside(candidate) && fs.existsSync(candidate));
    return file ? { contents: fs.readFileSync(file, "utf8") } : { error: `File not found: ${name}` };
  };
}

// A write to a pipe may be partial or be told to come back later; nothing may get lost.
function writeAll(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const options = parse(process.argv.slice(2));
if (!options["version"] && !options["standard-json"]) fail("use --version or --standard-json");

const solc = require("solc");
if (options["version"]) {
  writeAll(`solc, the solidity compiler, WebAssembly build\nVersion: ${solc.version()}\n`);
} else {
  writeAll(solc.compile(fs.readFileSync(0, "utf8"), { import: reader(options) }) + "\n");
}
process.exit(0); // at once: the WebAssembly runtime keeps handles open
