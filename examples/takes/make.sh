#!/usr/bin/env bash
# Makes the takes of this folder anew. Equal seeds give equal notes on one machine with the same versions.
set -euo pipefail
cd "$(dirname "$0")"
stochmusic fit bach-sopranos -o sopranos.smm --force
stochmusic generate sopranos.smm -n 1 --seed 11 --temperature 0.9 --also musicxml -o . --force
stochmusic generate sopranos.smm -n 1 --seed 8 --bars 16 --meter 3/4 --temperature 0.9 --also musicxml -o . --force
stochmusic generate sopranos.smm -n 1 --seed 4 --bars 12 --meter 4/4 --temperature 0.9 --also musicxml -o . --force
stochmusic fit bach-chorales --encoding voices -o chorales.smm --force
stochmusic generate chorales.smm -n 1 --seed 7 --temperature 0.85 --also musicxml -o . --force
