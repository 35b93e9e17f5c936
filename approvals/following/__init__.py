"""A request's stack, followed until the hold and then the stack have ended; and stacks no message told of."""
