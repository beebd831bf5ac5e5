"""The website voice widget: its socket endpoint and its browser code come here."""
