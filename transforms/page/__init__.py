"""Turn a page into an article: metadata, typed blocks, what is body and why the rest is not."""
