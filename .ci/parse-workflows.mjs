// Holds workflows and an action against GitHub's own parser: structure, and the syntax and the names of expressions.
// It is bundled before it runs (see `run`), because the parser imports JSON in a way that Node doesn't take.
//
// Usage: parse-workflows FILE…

import {readFileSync} from "node:fs";
import {basename} from "node:path";
import {convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow} from "@actions/workflow-parser";
import {convertActionTemplate, parseAction} from "@actions/workflow-parser/actions/index";

const files = process.argv.slice(2);
let problems = 0;
for (const name of files) {
  const file = {name, content: readFileSync(name, "utf8")};
  const isAction = basename(name) === "action.yml" && !name.includes(".github");
  const {context, value} = (isAction ? parseAction : parseWorkflow)(file, new NoOperationTraceWriter());
  if (value) {
    if (isAction) {
      convertActionTemplate(context, value);
    } else {
      await convertWorkflowTemplate(context, value);
    }
  }
  for (const error of context.errors.getErrors()) {
    problems += 1;
    console.error(error.message);
  }
}
console.log(`${files.length} files parsed, ${problems} problems`);
process.exit(problems === 0 && files.length > 0 ? 0 : 1);
