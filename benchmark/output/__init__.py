"""How results are shown: tables, plots, plain data, and the folder that they go to."""
