import type { Invocation } from "../invocation.ts";

const BASH = `# bash completion of ingot: source <(ingot completion bash)
_ingot() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(ingot --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _ingot ingot
`;

const ZSH = `# zsh completion of ingot: source <(ingot completion zsh)
autoload -U +X bashcompinit && bashcompinit
${BASH}`;

export async function run(call: Invocation): Promise<undefined> {
  await call.io.stdout.write(call.args.text("shell") === "zsh" ? ZSH : BASH);
}
