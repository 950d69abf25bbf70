#!/usr/bin/env bash
# Runs the tests from nothing: bash tests/run.sh [pytest arguments]
#
# Makes .venv if no virtual environment is active, installs the pinned requirements and a browser into it where they are
# missing, and hands over to pytest. Needs Python 3.11 or newer; $PYTHON names another one than python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -t 0 ] || exec </dev/null # a closed stdin would become the first file that is opened

works() { "$@" --version >/dev/null 2>&1; }

if [ -z "${VIRTUAL_ENV:-}" ]; then
    works .venv/bin/python -m pip || "${PYTHON:-python3}" -m venv .venv
    VIRTUAL_ENV=$PWD/.venv
fi
export VIRTUAL_ENV PATH="$VIRTUAL_ENV/bin:$PATH"
python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed, and $VIRTUAL_ENV has an older one (\$PYTHON names another for a new .venv)." >&2
    exit 2
}

stamp=$VIRTUAL_ENV/.installed-requirements
if ! cat requirements.txt tests/requirements.txt | cmp -s - "$stamp"; then
    echo "Installing requirements into $VIRTUAL_ENV (1 to 2 GB the first time) …" >&2
    python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r tests/requirements.txt
    cat requirements.txt tests/requirements.txt >"$stamp"
fi

system_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        # Ubuntu's chromium-browser is only a hint to install a snap, so each has to answer.
        if works "$name"; then command -v "$name" && return; fi
    done
    return 1
}

apt_install_chromium() {
    local root=()
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        root=(sudo -n)
    fi
    echo "Installing Chromium with apt-get …" >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 update >&2 &&
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install chromium >&2
}

if [ -z "${FINETUNE_BROWSER:-}" ]; then
    if FINETUNE_BROWSER=$(system_browser) || { apt_install_chromium && FINETUNE_BROWSER=$(system_browser); }; then
        export FINETUNE_BROWSER
    elif ! python -m playwright install chromium >&2; then
        echo "No browser could be installed: the tests that click through the page will fail." >&2
    fi
fi

# All of them take two processes; a choice of them, which may be made to be timed or looked into, takes one.
[ $# -gt 0 ] || set -- -n 2 --dist loadfile --no-loadscope-reorder
exec python -m pytest "$@"
