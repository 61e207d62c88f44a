import { setSetting } from "../../commands/config.ts";
import { userSettingsFile } from "../context.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { settingText } from "../render/setting.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const layer = args.flag("user") ? "user" : (args.text("layer") as "local" | "shared" | "user" | undefined);
  const setting = await setSetting(await call.context(), {
    key: args.required("key"),
    value: args.required("value"),
    ...(layer === undefined ? {} : { layer }),
    userSettings: userSettingsFile(call.io),
  });
  if (call.json) await printJson(call, setting);
  else if (!call.quiet)
    await printLines(call, [`${setting.key}=${settingText(setting.value)} in ${setting.origin}`]);
}
