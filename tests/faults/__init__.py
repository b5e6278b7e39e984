"""What may go wrong outside the program: kills, power cuts, full disks, clocks, lost databases."""
