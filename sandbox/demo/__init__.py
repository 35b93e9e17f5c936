"""What a fresh sandbox holds: the people of the demo and the products they can launch."""
