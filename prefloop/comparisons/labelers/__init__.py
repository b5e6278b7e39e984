"""Who answers: synthetic labelers, programs, and the registry of both."""
