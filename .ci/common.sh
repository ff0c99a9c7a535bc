# Words and small helpers that the scripts beside this file share; sourced, never run.

say() { printf '%s\n' "$*"; }
loud() { printf '\n!! %s\n\n' "$*" >&2; }
die() { printf '\n!! %s\n\n' "$*" >&2; exit 1; }

# root COMMAND...: run it as root; fails quietly when that is not possible without asking for a password.
root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}
