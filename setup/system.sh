#!/usr/bin/env bash
# Installs the Debian packages of packages.txt, or of the list given second, that are missing, as root or by sudo;
# without rights it prints the one line to run and stops. Python's own headers and venv are added when this Python comes without them.
set -euo pipefail
here=$(dirname "$0")
python=${1:-python3}
list=${2:-$here/packages.txt}
missing=()
while read -r package; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done < <(grep -v '^#' "$list")
"$python" -c 'import sys, sysconfig, os; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
  missing+=(python3-dev)
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
[ ${#missing[@]} -eq 0 ] && exit 0

line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
  run=(bash -c)
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  run=(sudo bash -c)
else
  echo "make: system libraries are missing and there is no right to install them. Run once as root:" >&2
  echo "  $line" >&2
  exit 1
fi
echo "installing system libraries: ${missing[*]}"
log=$(mktemp)
"${run[@]}" "export DEBIAN_FRONTEND=noninteractive; $line" >"$log" 2>&1 || { tail -20 "$log" >&2; exit 1; }
rm -f "$log"
