#!/usr/bin/env node
import module from "node:module";

module.enableCompileCache?.();
const { main } = await import("../dist/cli.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || !error.message.includes("dist/cli.js")) throw error;
  process.stderr.write("error: ingot is not built yet\nhint: npm run build\n");
  process.exit(1);
});
await main();
