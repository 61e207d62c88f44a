// Writes objects-spec/vectors/*.json. Run it only to add scenarios: a vector that changes is a change of the format, which
// needs a new version instead.
//   npx esbuild test/vectors/gen/format-vectors.ts --bundle --platform=node --format=esm --packages=external \
//     --outfile=node_modules/.cache/format-vectors.mjs && node node_modules/.cache/format-vectors.mjs
import { writeFileSync } from "node:fs";
import { recordCases, recordFrameCases } from "./record-vectors.ts";
import { canonicalCases, exampleCases, idCases, nameCases, pathCases } from "./value-vectors.ts";

const pages: Readonly<Record<string, { readonly page: string; readonly cases: readonly unknown[] }>> = {
  id: { page: "id.md", cases: idCases() },
  canonical: { page: "canonical.md", cases: canonicalCases() },
  example: { page: "dataset.md", cases: exampleCases() },
  name: { page: "names.md", cases: nameCases() },
  path: { page: "tree.md", cases: pathCases() },
  record: { page: "canonical.md", cases: recordFrameCases() },
  ...Object.fromEntries(Object.entries(recordCases()).map(([kind, cases]) => [kind, { page: `${kind}.md`, cases }])),
};

for (const [name, { page, cases }] of Object.entries(pages)) {
  const lines = cases.map((vector) => `  ${JSON.stringify(vector)}`).join(",\n");
  writeFileSync(`objects-spec/vectors/${name}.json`, `{\n"page": "${page}",\n"cases": [\n${lines}\n]\n}\n`);
  console.log(`${name}: ${cases.length}`);
}
