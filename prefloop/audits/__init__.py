"""May we believe it? What labels reward, as far as simple rules explain it; reads every stage."""
