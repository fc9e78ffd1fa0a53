#!/usr/bin/env bash
# Makes the harmonies of this folder anew. Equal seeds give equal notes on one machine with the same versions.
set -euo pipefail
cd "$(dirname "$0")"
python make.py
