"""The one reader of records: files, folders and datasets, in every form and encoding that people bring."""
