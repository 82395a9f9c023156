"""How well links and clusters find the operators of made-up worlds."""
