"""Hard pairs: pictures that look alike and are no copies, made from photos and found among them."""
