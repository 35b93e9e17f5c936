"""Prints the stories: what had to come of each, what came, and when."""

from sandbox.smoke.aws.story import End, Story

STACK, STATE = 25, 22


def table(stories: list[Story]) -> str:
    """One block per story: its ends, then its moments in seconds since its launch."""
    titles = (f"{'stack ' + word:{STACK}}" for word in ("must be", "is"))
    head = "".join([" " * 46, "  ", *titles, *(f"{'decision ' + word:{STATE}}" for word in ("must be", "is"))])
    blocks = [_block(number, story) for number, story in enumerate(stories, 1)]
    return "\n".join([head.rstrip(), *blocks, ""])


def _block(number: int, story: Story) -> str:
    titles = [f"{number:3} {story.title:42}", *[" " * 46] * max(0, len(story.ends) - 1)]
    lines = [f"{title}  {_end(end)}" for title, end in zip(titles, story.ends, strict=False)] or [titles[0]]
    if story.trouble:
        lines.append(f"    WRONG: {story.trouble}")
    return "\n".join([*lines, f"      {_timeline(story)}"])


def _end(end: End) -> str:
    columns = (end.wanted[0], end.seen[0], end.wanted[1], end.seen[1])
    widths = (STACK, STACK, STATE, STATE)
    words = "".join(f"{text:{width}}" for text, width in zip(columns, widths, strict=True))
    return f"{words}{'ok' if end.right else 'WRONG'}"


def _timeline(story: Story) -> str:
    start = story.moments[0][0] if story.moments else None
    return "  ".join(f"{(at - start).total_seconds():.1f} {text}" for at, text in story.moments if start)
