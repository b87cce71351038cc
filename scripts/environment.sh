# Sourced by the scripts: one virtual environment, made from the pinned requirements when missing or out of date, of the
# fastest Python that suits or of the one that PYTHON3 names. Sets PYTHON to its interpreter.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON="$repository/.venv/bin/python"
# Hundreds of processes are started from the same modules: these are compiled once, whatever a container image sets.
unset PYTHONDONTWRITEBYTECODE

prepare_environment() {
  local candidate interpreter stamp wanted
  stamp="$repository/.venv/requirements.sha256"
  wanted=$(cat "$repository/requirements.txt" "$repository/requirements-dev.txt" | sha256sum)
  if [ -x "$PYTHON" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return 0
  fi
  interpreter=""
  for candidate in "${PYTHON3:-python3}" python3.13 python3.12 python3.11; do
    interpreter=$("$candidate" "$repository/scripts/fastest_python.py" ${PYTHON3:+"$PYTHON3"} 2>/dev/null) && break
  done
  if [ -z "$interpreter" ]; then
    echo "Python 3.11 or newer is needed; found: $(python3 --version 2>&1). Set PYTHON3 to one." >&2
    return 1
  fi
  echo "Setting up .venv from the pinned requirements (once, about a minute)..." >&2
  "$interpreter" -m venv "$repository/.venv" || return 1
  "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$repository/requirements-dev.txt" \
    2>&1 | { grep -v '^WARNING: Location' >&2 || true; }
  if [ "${PIPESTATUS[0]}" -ne 0 ]; then
    echo "The requirements could not be installed; see the lines above." >&2
    return 1
  fi
  echo "$wanted" > "$stamp"
}
