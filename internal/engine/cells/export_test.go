package cells

// Outdated reports whether the index of a table had to be made anew.
func (t *Table) Outdated() bool { return t.paged.outdated }
