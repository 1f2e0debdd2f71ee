"""Pages for the browser: the report as one offline file, and the local app."""
