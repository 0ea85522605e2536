"""What an arm and a hand can do: hinges with their limits, and the search for the angles that reach given places."""
