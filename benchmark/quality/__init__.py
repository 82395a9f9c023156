"""How well copies are found: a folder of photos in, tables, plots and a page of hard cases out."""
