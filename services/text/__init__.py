"""Everything between what a mind writes and what a mouth can say: chunks, clean text, spoken forms, dictated digits."""
