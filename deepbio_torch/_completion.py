"""Scripts that let a shell complete commands, options and listed values.

They ask ``--help``, which knows them all.
"""

from __future__ import annotations

# Lines of --help: "  --option a|b|c  ..." or "  --option TEXT:{a,b,c}  ...", "  command   what it
# does".
_BASH = r"""# Completes deepbio's commands, options and the values that --help lists;
# files elsewhere.
_deepbio() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} help words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="$(deepbio --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]+)  +.*/\1/p') --help --version"
  else
    help=$(deepbio "${COMP_WORDS[1]}" --help 2>/dev/null)
    case $before in
      --*)
        local values="[^ ,|}]+([,|][^ ,|}]+)+"
        words=$(sed -nE "s/^  (-.,)?$before [A-Z:]*[{]?($values).*/\2/p" <<< "$help" |
          tr ',|' '  ') ;;
    esac
    case $word in
      -*) words=$(grep -oE -e '--[a-z][a-z0-9-]+' <<< "$help" | sort -u) ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _deepbio deepbio
"""

_FISH = r"""# Completes deepbio's commands and options.
function __deepbio_options
  deepbio (commandline -opc)[2] --help 2>/dev/null \
    | string match -ra -- '--[a-z][a-z0-9-]+' | sort -u
end
complete -c deepbio -f -n __fish_use_subcommand \
  -a "(deepbio --help 2>/dev/null | string match -rg '^  ([a-z][a-z-]+)  +')"
complete -c deepbio -n 'not __fish_use_subcommand' -a '(__deepbio_options)'
"""

SCRIPTS = {
    "bash": _BASH,
    "zsh": "autoload -U +X bashcompinit && bashcompinit\n" + _BASH,
    "fish": _FISH,
}
