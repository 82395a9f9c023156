"""Letters of other alphabets that look like Latin letters.

Source: Unicode Technical Standard 39, confusables.txt of 2025-07-22
(https://www.unicode.org/Public/security/latest/confusables.txt): its Cyrillic, Greek, Armenian and
phonetic letters that are confusable with one ASCII letter or digit. Where that table has l for
capital I, too, it is I here. It has thousands of rarer characters; those that are letters in
another shape, such as mathematical ones, `folding` knows by their NFKC form.
"""

from collections.abc import Mapping

_CYRILLIC = (
    "АA ВB ЕE НH ІI ЈJ КK МM ОO РP СC ЅS ТT ХX УY ҮY ԌG ԜW З3 Ӡ3 б6"
    " аa сc ԁd еe һh іi јj ӏl Ӏl оo рp ԛq ѕs ѵv ѡw ԝw хx уy үy гr"
)
_GREEK = "ΑA ΒB ΕE ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ΖZ αa γy ιi ϳj νv οo ρp σo υu ϲc"
_ARMENIAN = "օo ՕO հh ոn սu ցg զq ՏS"
_PHONETIC = "ɑa ɡg ıi ɩi"

#: Each letter and the ASCII letter or digit that it looks like.
LATIN: Mapping[str, str] = {
    pair[0]: pair[1] for pair in f"{_CYRILLIC} {_GREEK} {_ARMENIAN} {_PHONETIC}".split()
}
