"""HTTP and commands that belong to no channel: the state of the installation, its front page, chat, speech tools."""
