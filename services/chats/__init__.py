"""The secretary in writing: a chat of a user, and conversations that another program keeps."""
