#!/usr/bin/env bash
# Makes the music of this folder anew. Equal seeds give equal notes on one machine with the same versions.
set -euo pipefail
cd "$(dirname "$0")"
stochmusic fit bach-sopranos -m markov --set order=2 -o sopranos.smm --force
stochmusic generate sopranos.smm -n 1 --seed 1 --bars 8 --meter 4/4 --key G --range D4:G5 --scale G:major --end tonic --at 5.1=D5 --max-copy 8 -o . --force
stochmusic fill ah-vous-dirai-je.abc --bars 5-8 -m sopranos.smm -n 1 --seed 1 -o . --force
stochmusic vary ah-vous-dirai-je.abc -m sopranos.smm -n 10 --seed 1 -o . --force
python as_text.py ah-vous-dirai-je.abc sopranos-s1-01.mid ah-vous-dirai-je-fill-s1-01.mid ah-vous-dirai-je-vary-s1-*.mid > as_text.txt
