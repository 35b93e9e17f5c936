"""The conversation: how messages are shown, whom they name, their files, and how they are edited."""
