"""What a page costs people on slow lines: pure rules over what was received."""
