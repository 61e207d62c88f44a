#!/usr/bin/env node
// The story of a model in an ingot repository, told by the real command line. Exit 0 when every check at its end holds.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { exactMatch, scoreAgainst } from "./figures.mjs";
import { spawnIngot } from "./spawn-ingot.mjs";

const DEMO = import.meta.dirname;
const started = performance.now();
const color = process.stdout.isTTY && !process.env.NO_COLOR && !process.env.INGOT_NO_COLOR;
const paint = (code, text) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
const checks = [];
const check = (name, ok, detail = "") => checks.push({ name, ok, detail });
const say = (text) => console.log(paint(2, `# ${text}`));
const chapter = (title) => console.log(`\n${paint(1, title)}`);

const folder = demoFolder();
const home = join(folder, ".home");
mkdirSync(home);
const ingot = spawnIngot({ cwd: folder, env: { INGOT_HOME: home }, paint });
const rows = (name) =>
  readFileSync(join(DEMO, name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).messages);

const QUESTION = "How do I undo a commit that is already shared?";
const RECIPE = `# what both trainings share; flags add the rest
method = "lora"
r = 16
lora_alpha = 64
per_device_train_batch_size = 16
lr_scheduler_type = "linear"
warmup_steps = 5
max_grad_norm = 1.0
seed = 0
`;

try {
  await story();
} catch (error) {
  check("the story reaches its end", false, error.message);
}
end();

async function story() {
  chapter("1  A repository with a base model");
  console.log(`repository: ${folder}`);
  for (const name of ["git-basics.jsonl", "git-team.jsonl"]) cpSync(join(DEMO, name), join(folder, name));
  writeFileSync(join(folder, "recipe.toml"), RECIPE);
  await ingot("init");
  await ingot("import", join(DEMO, "base-chat"), "-m", "small chat base");
  say("the base knows the shape of a chat and nothing about git");
  await ingot("run", "v0", QUESTION);

  chapter("2  A training");
  await ingot("data", "add", "git-basics.jsonl", "--eval", "none");
  await ingot(
    "train",
    "git-basics",
    "--recipe",
    "recipe.toml",
    "--lr",
    "4e-3",
    "--steps",
    "150",
    "--stage",
    "-m",
    "git basics",
  );
  await ingot("evolution", "v1", { lines: 16 });
  const first = await ingot.json("evolution", "v1");
  const learned = exactMatch(first);
  check("trained answers exact after v1 >= 95 %", learned.share >= 0.95, `${learned.right} of ${learned.of}`);
  say("one example: what the model said at each reading");
  await ingot("evolution", learned.example, { lines: 16 });
  await ingot("run", "v1", QUESTION);
  say("asked in words that it never saw");
  await ingot("run", "v1", rows("git-paraphrases.jsonl")[0][0].content);
  await ingot("promote", "--yes");

  chapter("3  A second training that forgets");
  await ingot("data", "add", "git-team.jsonl", "--eval", "none");
  say("trained on the new rows alone, the model loses what it knew: seen, and kept aside (exit 9)");
  const second = ["train", "git-team", "--recipe", "recipe.toml", "--lr", "3e-3"];
  await ingot(...second, "--steps", "60", "--replay", "0", "-m", "team habits, without replay", { exit: 9 });
  await ingot("evolution", "v2", "--status", "regressed", { lines: 12 });
  const old = rows("git-basics.jsonl");
  const added = rows("git-team.jsonl");
  const corrected = new Set(added.map((m) => m[0].content));
  const kept = old.filter((m) => !corrected.has(m[0].content));
  const forgot = scoreAgainst(await ingot.json("evolution", "v2"), kept);
  check(
    "without replay nearly all is forgotten (>= 80 %), and seen",
    forgot.right <= 0.2 * forgot.of,
    `${forgot.of - forgot.right} of ${forgot.of} forgotten`,
  );
  const refs = await ingot.json("show-ref");
  check(
    "the forgetful version is kept aside",
    versionAt(refs, "heads/main") === versionAt(refs, "tags/v1"),
    "main is still at v1",
  );

  chapter("4  The same with replay");
  await ingot(...second, "--steps", "120", "--replay", "1.5", "-m", "team habits");
  const third = await ingot.json("evolution", "v3");
  const stayed = scoreAgainst(third, kept);
  const arrived = scoreAgainst(third, added);
  check(
    "with replay the earlier answers stay (>= 95 %)",
    stayed.right >= 0.95 * stayed.of,
    `${stayed.right} of ${stayed.of}`,
  );
  check(
    "with replay the new answers arrive (>= 95 %)",
    arrived.right >= 0.95 * arrived.of,
    `${arrived.right} of ${arrived.of}`,
  );
  await ingot("run", "v3", added.at(-1)[0].content);
  await ingot("diff", "v1", "v3", { lines: 20 });

  chapter("5  Production, and back");
  await ingot("promote", "v3", "production", "--yes");
  await ingot("rollback", "production", "--reason", "to show it", "--yes");
  const back = await ingot.json("show-ref");
  check("rollback puts production back to v1", versionAt(back, "production") === versionAt(back, "tags/v1"));
  await ingot("undo");
  const again = await ingot.json("show-ref");
  check(
    "undo of it puts production to v3 again",
    versionAt(again, "production") === versionAt(again, "tags/v3"),
  );
  await ingot("run", QUESTION);
  await ingot("log", "--graph");

  chapter("6  The same bytes again");
  await ingot("reproduce", "v3");
  check("v3 is reproduced bit for bit", true);
  await ingot("fsck");
  check("fsck finds every byte in order", true);
}

/** Prints what was found, keeps it as figures.json, and sets the exit code. */
function end() {
  const seconds = (performance.now() - started) / 1000;
  check("under three minutes", seconds < 180, `${seconds.toFixed(1)} s`);
  chapter("What the recorded evolution says");
  for (const { name, ok, detail } of checks) {
    console.log(`  ${ok ? paint(32, "✓") : paint(31, "✗")} ${name}${detail === "" ? "" : `: ${detail}`}`);
  }
  writeFileSync(join(folder, "figures.json"), `${JSON.stringify({ seconds, checks }, undefined, 2)}\n`);
  const failed = checks.filter((c) => !c.ok).length;
  console.log(`\nThe repository stays in ${folder}: cd there and try 'ingot log -i'.`);
  console.log(`demo: ${checks.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function versionAt(refs, name) {
  return refs.refs.find((ref) => ref.name === name)?.id ?? `no ${name}`;
}

function demoFolder() {
  const asked = process.env.INGOT_DEMO_DIR;
  if (asked === undefined || asked === "") return mkdtempSync(join(tmpdir(), "ingot-demo-"));
  const path = resolve(asked);
  if (existsSync(path) && readdirSync(path).length > 0) {
    console.error(`error: '${path}' is not empty`);
    process.exit(2);
  }
  mkdirSync(path, { recursive: true });
  return path;
}
