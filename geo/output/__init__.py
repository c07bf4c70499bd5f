"""Pages, pictures, documents and sites."""
