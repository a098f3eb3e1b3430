#!/usr/bin/env node
// Starts the binary of this system, which npm installed as an optional dependency of this package.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");

const system = `${process.platform}-${process.arch}`;
// Windows on ARM runs programs for x64.
const name = `cdn-purge-${system === "win32-arm64" ? "win32-x64" : system}`;
const program = process.platform === "win32" ? "cdn-purge.exe" : "cdn-purge";

let binary;
try {
  binary = require.resolve(`${name}/${program}`);
} catch {
  console.error(
    `cdn-purge: the package ${name} isn't installed. Install cdn-purge again without \`--omit=optional\`; ` +
      "if there is no such package, there is no binary for this system.",
  );
  process.exit(1);
}

const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
// A signal for this process alone, as CI systems send it, is the program's: it says what is still open, and ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // Ctrl-C in a terminal reaches the program by itself, and a second one would end it at once.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => {
  console.error(`cdn-purge: \`${binary}\` can't be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
