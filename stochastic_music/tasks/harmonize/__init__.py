"""Harmonising a melody: soprano in, soprano, alto, tenor and bass out.

    corpus   --fit-->   Harmonizer   --harmonize(score)-->   takes

What a `Harmonizer` does with a melody:

1. It reads the melody on its beats (`tunes`): the key that is printed or heard, the place in the bar, phrase ends.
2. The skeleton gives the chords of the whole melody. Demands are put to it exactly: the last chord is the tonic in root
   position, each phrase ends on a triad in root position. Where the melody makes one impossible, it is relaxed,
   and the take says so.
3. Of each beat the K heaviest voicings are candidates (`models/harmony/candidates.py`).
4. Harmonies are drawn from model times rules, exactly over the candidates (`models/harmony/lattice.py`): all different.
5. Voices are written under the melody, which stays as it was, and every rule is counted, beside its rate in the corpus.
"""

from stochastic_music.tasks.harmonize.harmonizer import Harmonization, Harmonizer, Take

__all__ = ["Harmonization", "Harmonizer", "Take"]
