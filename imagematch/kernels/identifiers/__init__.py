"""What a profile shows and can be looked up by, read from texts and cells.

Phones, e-mails, handles, URLs, hosts and crypto addresses; `finding` is the way in.
"""
