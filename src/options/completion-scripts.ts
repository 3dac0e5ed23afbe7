/**
 * Completion scripts for shells. Each function passes the words up to the cursor to `rt __complete` (complete.ts),
 * which knows the option table and the containers, so the scripts never become stale.
 */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash;
    case 'zsh':
      return zsh;
    case 'fish':
      return fish;
  }
}

// COMP_WORDS is also split at `=` and `:`, so the parts are joined again, and the part before the last `=` or `:` is
// cut off the candidates, since bash replaces only the rest.
const bash = `# bash completion for rt
_rt() {
    local word last= paths line candidates=() words=()
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ \${#words[@]} -gt 0 && ( $word == [=:]* || $last == *[=:] ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        last=$word
    done
    local current=\${words[-1]} replaced=$2
    local before=\${current%"\${current##*[=:]}"}
    COMPREPLY=()
    mapfile -t candidates < <("\${1/#\\~\\//$HOME/}" __complete "\${words[@]}" 2>/dev/null)
    paths=\${candidates[0]-none}
    for line in "\${candidates[@]:1}"; do
        word=\${line%%$'\\t'*}
        [[ $word == "$current"* ]] && COMPREPLY+=("\${word#"$before"}")
    done
    case $paths in
    files | directories)
        [[ $replaced == [=:] ]] && replaced=
        compopt -o filenames
        local kind=-f
        [[ $paths == directories ]] && kind=-d
        mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen "$kind" -- "$replaced")
        ;;
    esac
}
complete -F _rt rt
`;

const zsh = `#compdef rt
# zsh completion for rt
_rt() {
    local line paths
    local -a answer words_to_cursor described
    words_to_cursor=("\${(@)words[2,CURRENT]}")
    answer=("\${(@f)$("\${(Q)words[1]/#\\~\\//$HOME/}" __complete "\${(@Q)words_to_cursor}" 2>/dev/null)}")
    paths=\${answer[1]-none}
    for line in "\${(@)answer[2,-1]}"; do
        described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    done
    (( $#described )) && _describe -t rt-words rt described
    [[ \${words[CURRENT]} == -*=* ]] && compset -P '*='
    case $paths in
        files) _files ;;
        directories) _files -/ ;;
    esac
}
if [[ \${funcstack[1]} == _rt ]]; then
    _rt "$@"
else
    compdef _rt rt
fi
`;

const fish = `# fish completion for rt
function __rt_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l program (string replace --regex '^~/' "$HOME/" -- $words[1])
    set -l answer ($program __complete $words[2..-1] "$current" 2>/dev/null)
    string join \\n -- $answer[2..-1]
    set -l prefix (string match --regex -- '^-[^=]*=' $current)
    set -l part (string replace --regex -- '^-[^=]*=' '' $current)
    switch "$answer[1]"
        case files
            __fish_complete_path "$part" | string replace --regex -- '^' "$prefix"
        case directories
            __fish_complete_directories "$part" | string replace --regex -- '^' "$prefix"
    end
end
complete --command rt --no-files --keep-order --arguments '(__rt_complete)'
`;
