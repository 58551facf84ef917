# Manual pages, documents, and the examples that the tests compile and run.
