# Shared by the start and test scripts: a Python environment from a hashed list, made once and again when the list
# changes. Needs only Python >= 3.11; uses uv when it is on the PATH, else venv and pip. Source it from the root.

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

fail() {
    printf '\033[31m%s\033[0m\n' "$1" >&2
    [ $# -lt 2 ] || printf '%s\n' "$2" >&2
    exit 1
}

# Prints a Python >= 3.11, preferring the newest of the usual names.
find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found." \
        "Install it (Debian 12+, Ubuntu 23.04+: apt install python3), or name one: PYTHON=/path/to/python3.12 $0"
}

# Debian ships venv in a package of its own: installed when we may, named when we may not.
need_venv() {
    local python=$1
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    local package
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package ..."
        apt-get install -y -qq "$package" >/dev/null || { apt-get update -qq && apt-get install -y -qq "$package" >/dev/null; }
    else
        fail "Python's venv module is missing." "Install it: sudo apt install $package"
    fi
}

# Prints the list of what runs the secretary: with SIP once that was asked for.
main_list() {
    if compgen -G ".venv/lib/python*/site-packages/sippy" >/dev/null; then
        echo requirements/sip.txt
    else
        echo requirements/main.txt
    fi
}

# prepare_environment FOLDER LIST [project|no-project]: FOLDER holds exactly LIST, and the project itself unless told not.
prepare_environment() {
    local folder=$1 list=$2 project=${3:-project} stamp
    stamp=$(cat "$list" pyproject.toml requirements/environment.sh | sha256sum | cut -c1-64)" $project $PWD"
    if [ "$(cat "$folder/.prepared" 2>/dev/null)" = "$stamp" ] && [ -x "$folder/bin/python" ]; then return; fi

    step "Python environment in $folder ($(grep -c '^[a-z0-9].*==' "$list") packages, locked and hashed)"
    local python
    python=$(find_python)
    rm -f "$folder/.prepared"
    trap 'printf "\n%s\n" "Stopped. Run the command again: it goes on where it was." >&2; exit 130' INT
    if command -v uv >/dev/null; then
        "$folder/bin/python" -c "" 2>/dev/null || uv venv --quiet --clear --python "$python" "$folder" ||
            fail "No environment could be made in $folder." "Check that the disk has space and the folder may be written."
        uv pip install --python "$folder/bin/python" --no-deps --require-hashes -r "$list" ||
            fail "The packages could not be installed." "Check the network and run the command again: it goes on where it was."
    else
        need_venv "$python"
        # One that was interrupted while it was made, or made by uv, has no pip.
        "$folder/bin/python" -m pip --version >/dev/null 2>&1 || (trap '' INT && exec "$python" -m venv --clear "$folder") ||
            fail "No environment could be made in $folder." "Check that the disk has space and the folder may be written."
        "$folder/bin/python" -m pip install --disable-pip-version-check --progress-bar on \
            --no-deps --require-hashes -r "$list" 2>&1 | short_pip ||
            fail "The packages could not be installed." "Check the network and run the command again: it goes on where it was."
    fi
    if [ "$project" = project ]; then install_project "$folder"; fi
    printf '%s' "$stamp" >"$folder/.prepared"
    trap - INT
}

install_project() {
    if command -v uv >/dev/null; then
        uv pip install --quiet --python "$1/bin/python" --no-deps --no-build-isolation -e .
    else
        "$1/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
    fi || fail "The secretary itself could not be installed into $1."
}

# A line for each package instead of pip's four, and everything that is not routine.
short_pip() {
    local line
    while IFS= read -r line; do
        case $line in
        Collecting*) printf '  %s\n' "${line#Collecting }" | sed 's/ (from .*//' ;;
        Processing*) line=${line#Processing }; printf '  %s\n' "$(basename "${line%% (from*}")" ;;
        "WARNING: Retrying"*) echo "  no connection, trying again ..." ;;
        *"Using cached"* | *Downloading* | *"Preparing metadata"* | *"Getting requirements"* | *"Installing build"* | *━* | *"Ignoring "*) ;;
        "Installing collected"*) echo "  installing ..." ;;
        *Building* | *Created* | *Stored* | *"Successfully built"* | *"already satisfied"*) ;;
        "WARNING: Location"* | "Looking in"*) ;;
        "Successfully installed"*) echo "  done" ;;
        *) printf '  %s\n' "$line" ;;
        esac
    done
}
