// Computes logits, probabilities or classes for tests: a line of JSON in, a line out.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { classOf, logits, probabilities, readModel, readRecipe } = await import(pathToFileURL(process.argv[2]));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    const recipe = readRecipe(bytes(asked.recipe));
    const model = readModel(recipe, bytes(asked.model));
    const found = asked.samples.map((sample) => logits(recipe, model, bytes(sample)));
    const says = { logits: (it) => it, probabilities: (it) => probabilities(recipe, it), classes: classOf };
    answer = found.map(says[asked.what]);
  } catch (error) {
    answer = error.message;
  }
  console.log(JSON.stringify(answer));
}
