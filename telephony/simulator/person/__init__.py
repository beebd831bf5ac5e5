"""The person at the far end: mouth, ear, keys, and a call as that person holds it."""
