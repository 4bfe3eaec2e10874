"""The documentation as a site: what the site's builder must be told so that pages read as they do on GitHub."""
