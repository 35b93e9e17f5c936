"""What somebody who decides has before them: who asks, how far it is, what the decision rests on."""
