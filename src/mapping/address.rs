//! What counts as the same page: index files, encoded forms, query variants.
