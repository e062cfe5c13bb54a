"""For teachers: the students' edition of the notebooks."""
