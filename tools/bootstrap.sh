#!/bin/sh
# Runs tools/bootstrap.py with any Python 3.6 or newer: that file finds the one to use, and says in one sentence what is missing.
set -eu
here=$(dirname "$0")
for python in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null; then
        exec "$python" "$here/bootstrap.py" "$@"
    fi
done
echo "Loa needs Python 3.11, 3.12 or 3.13, and no Python was found: install one (for example 'apt install python3 python3-venv') or name it: make demo PYTHON=/path/to/python3.12" >&2
exit 1
