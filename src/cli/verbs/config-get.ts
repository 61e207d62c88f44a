import { getSetting } from "../../commands/config.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { settingText } from "../render/setting.ts";

export async function run(call: Invocation): Promise<undefined> {
  const setting = getSetting(await call.context(), call.args.required("key"));
  if (call.json) await printJson(call, setting);
  else
    await printLines(call, [
      `${call.args.flag("show-origin") ? `${setting.origin}  ` : ""}${settingText(setting.value)}`,
    ]);
}
