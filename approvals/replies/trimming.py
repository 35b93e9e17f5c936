"""What somebody wrote in a reply, without the mail they answered and without their signature.

Invariant: what is left are lines of the mail in their order. Where it cannot be told what is quoted, it stays: a line
too much is read over, a line too few may be the answer.
"""

from __future__ import annotations

import re

LONGEST_LINES = 2000
_LONGEST_LINE = 2000
# "On Monday, Anna wrote:" in the languages of common mail programs; may be broken over some lines.
_ATTRIBUTION = re.compile(
    r"""(?ix)\A\s*(?:
      on\s.{4,300}\swrote\s?:                     | am\s.{4,300}\sschrieb\b.{0,200}:
    | le\s.{4,300}\sa\sécrit\s?:                  | el\s.{4,300}\sescribió\s?:
    | il\s.{4,300}\sha\sscritto\s?:               | em\s.{4,300}\sescreveu\s?:
    | op\s.{4,300}\sschreef\b.{0,200}:            | (?:在|于|於).{4,300}(?:写道|寫道|写到)\s?[:：]
    | .{2,200}[<(]\S{1,200}@\S{1,200}[>)].{0,80}(?:于|在|wrote|schrieb|写道).{0,80}[:：]
    | .{2,200}@\S{1,100}\s+wrote:
    )\s*\Z""",
)
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
    r"(?i)\A\s*(?:sent from my \w+.{0,40}|sent from (?:mail|outlook) for .{0,40}|get outlook for .{0,80}"
    r"|von meinem \w+ gesendet.{0,40}|gesendet von .{0,40}|发自我的.{0,40}|从我的.{0,40}发送"
    r"|envoyé de mon .{0,40})\s*\Z"
)


def trimmed(text: str) -> str:
    """The writer's own lines; the empty string where nothing but a quotation is left."""
    lines = [line[:_LONGEST_LINE].rstrip("\r") for line in text.splitlines()[:LONGEST_LINES]]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if _ends(lines, at):
            break
        if taken := _attribution(lines, at):
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
    if line.rstrip("\n") in ("-- ", "--") or _DIVIDER.match(line) or _DEVICE.match(line):
        return True
    if not _HEADER.match(line):
        return False
    names = [found[1].lower() for other in lines[at : at + 6] if (found := _HEADER.match(other))]
    return len(set(names)) >= 3


def _attribution(lines: list[str], at: int) -> int:
    """How many lines the sentence takes that introduces a quotation; 0 where there is none."""
    if not _BEGINS.match(lines[at]):
        return 0
    for count in (1, 2, 3, 4):
        if _ATTRIBUTION.match(" ".join(line.strip() for line in lines[at : at + count])[:700]):
            return count
    return 0


def _past_quote(lines: list[str], at: int) -> int:
    """Where the marked quotation that begins here ends; `at` itself where there is none."""
    end = at
    for position in range(at, len(lines)):
        if lines[position].lstrip().startswith(">"):
            end = position + 1
        elif lines[position].strip():
            break
    return end
