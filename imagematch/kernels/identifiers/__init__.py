"""What a profile shows and can be looked up by, read from texts and cells.

Phones, e-mails, handles, URLs, hosts and crypto addresses; `reading` is the way in.
"""
