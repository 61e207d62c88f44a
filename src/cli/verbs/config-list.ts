import { listSettings } from "../../commands/config.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { settingText } from "../render/setting.ts";

export async function run(call: Invocation): Promise<undefined> {
  const settings = listSettings(await call.context());
  if (call.json) await printJson(call, { settings });
  else
    await printLines(
      call,
      settings.map(
        (s) => `${call.args.flag("show-origin") ? `${s.origin}  ` : ""}${s.key}=${settingText(s.value)}`,
      ),
    );
}
