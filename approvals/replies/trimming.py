"""What somebody wrote in a reply, without the mail they answered and without their signature.

Invariant: what is left are lines of the mail in their order. Where it cannot be told what is quoted, it stays: a line
too much is read over, a line too few may be the answer.
"""

from __future__ import annotations

import re

LONGEST_LINES = 2000
_LONGEST_LINE = 2000
_LONGEST_MARK, _LONGEST_ATTRIBUTION = 200, 300
# A reply quotes some mails, not some thousand: what is tried on every line is what costs.
_MOST_ATTRIBUTIONS = 20
# "On Monday, Anna wrote:" in the languages of common mail programs; may be broken over some lines.
_ATTRIBUTION = re.compile(
    r"""(?ix)\A\s*(?:
      on\s.{4,300}\swrote\s?:                     | am\s.{4,300}\sschrieb\b.{0,200}:
    | le\s.{4,300}\sa\sécrit\s?:                  | el\s.{4,300}\sescribió\s?:
    | il\s.{4,300}\sha\sscritto\s?:               | em\s.{4,300}\sescreveu\s?:
    | op\s.{4,300}\sschreef\b.{0,200}:            | (?:在|于|於).{4,300}(?:写道|寫道|写到)\s?[:：]
    )\s*\Z""",
)
_WROTE = ("于", "在", "wrote", "schrieb", "写道")
_BEGINS = re.compile(r"(?i)\A\s*(?:on|am|le|el|il|em|op)\s|\A\s*[在于於]|.{0,200}@")
_DIVIDER = re.compile(
    r"(?i)\A\s*(?:-{2,}\s*(?:original(?:\s+message|nachricht)|ursprüngliche nachricht|weitergeleitete nachricht"
    r"|forwarded message|message d'origine|mensaje original|原始邮件|原邮件|邮件原件|原始郵件)\s*-{2,}|_{20,})\s*\Z"
)
_HEADER = re.compile(
    r"(?i)\A\s*\**(from|sent|to|date|subject|cc|von|gesendet|an|datum|betreff|de|envoyé|à|objet|发件人|发送时间|收件人|日期|主题|抄送"
    r"|寄件者|收件者|主旨)\**\s?[:：]"
)
_DEVICE = re.compile(
    r"(?i)\A\s*(?:sent from my \w.{0,60}|sent from (?:mail|outlook) for .{0,40}|get outlook for .{0,80}"
    r"|von meinem \w{1,20} gesendet.{0,40}|gesendet von .{0,40}|发自我的.{0,40}|从我的.{0,40}发送"
    r"|envoyé de mon .{0,40})\s*\Z"
)


def trimmed(text: str) -> str:
    """The writer's own lines; the empty string where nothing but a quotation is left."""
    lines = [line[:_LONGEST_LINE].rstrip("\r") for line in text.splitlines()[:LONGEST_LINES]]
    kept: list[str] = []
    at, tries = 0, _MOST_ATTRIBUTIONS
    while at < len(lines):
        if _ends(lines, at):
            break
        begins = tries > 0 and bool(_BEGINS.match(lines[at]))
        tries -= begins
        if begins and (taken := _attribution(lines, at)):
            after = _past_quote(lines, at + taken)
            if after == at + taken:
                # It is followed by a mail that is not marked as quoted.
                break
            at = after
        elif lines[at].lstrip().startswith(">"):
            at += 1
        else:
            kept.append(lines[at])
            at += 1
    return "\n".join(kept).strip()


def _ends(lines: list[str], at: int) -> bool:
    """Whether a signature or an unmarked mail begins here."""
    line = lines[at]
    if line in ("-- ", "--") or (len(mark := line.strip()) <= _LONGEST_MARK and _is_mark(mark)):
        return True
    if not _HEADER.match(line):
        return False
    names = [found[1].lower() for other in lines[at : at + 6] if (found := _HEADER.match(other))]
    return len(set(names)) >= 3


def _is_mark(line: str) -> bool:
    return bool(_DIVIDER.match(line) or _DEVICE.match(line))


def _attribution(lines: list[str], at: int) -> int:
    """How many lines the sentence takes that introduces a quotation; 0 where there is none."""
    for count in (1, 2, 3, 4):
        sentence = " ".join(line.strip() for line in lines[at : at + count])[:700].strip()
        if _names_sender(sentence) or _ATTRIBUTION.match(sentence):
            return count
    return 0


def _names_sender(sentence: str) -> bool:
    """`Anna <anna@example.com> 于…写道：` and `anna@example.com wrote:`, found by searching: a pattern of such a
    sentence, tried in every place, takes half a minute for 700 letters."""
    if len(sentence) > _LONGEST_ATTRIBUTION or not sentence.endswith((":", "：")):
        return False
    before, _, after = sentence.rpartition("@")
    wrote = any(word in after.lower() for word in _WROTE)
    is_bracketed = ("<" in before and ">" in after) or ("(" in before and ")" in after)
    return bool(before) and wrote and (is_bracketed or after.lower().split()[1:] == ["wrote:"])


def _past_quote(lines: list[str], at: int) -> int:
    """Where the marked quotation that begins here ends; `at` itself where there is none."""
    end = at
    for position in range(at, len(lines)):
        if lines[position].lstrip().startswith(">"):
            end = position + 1
        elif lines[position].strip():
            break
    return end
