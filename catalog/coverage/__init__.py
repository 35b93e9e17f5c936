"""How well the products of the mirror are gated, from facts that are stored: which products can still be launched, or
updated, without asking.

A template is analysed once per version of our readers (`analysis`), a version is judged by pure rules (`verdicts`),
a product by what is open at its versions (`doors`), and `covering` keeps all of it, with the rights of launch roles
(`roles`) and a row a day for the trend, in the desk's tables.
"""

from catalog.coverage.analysis import Analysis, Call, analyse, analysis_of
from catalog.coverage.doors import Door, Risk, open_doors
from catalog.coverage.judging import assess, held
from catalog.coverage.reasons import Reason, reasons_of
from catalog.coverage.standing import Standing, standing_of
from catalog.coverage.verdicts import Verdict

__all__ = [
    "Analysis",
    "Call",
    "Door",
    "Reason",
    "Risk",
    "Standing",
    "Verdict",
    "analyse",
    "analysis_of",
    "assess",
    "held",
    "open_doors",
    "reasons_of",
    "standing_of",
]
