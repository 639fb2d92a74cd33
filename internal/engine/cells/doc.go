// Package cells keeps the state of operators: it numbers their keys, knows what
// has changed since the last checkpoint, saves it, loads it, and pages out what
// does not fit into memory.
//
// It is the line between what is compiled for each type of the user's and what is
// compiled once. [Index] and [Slab] are generic, and hold nothing but what touches
// a key or a value for each element. All else knows entries by their numbers
// ([Entry]), keys and values by the small interfaces [Keys] and [Values], and what
// is saved as bytes.
//
// The invariant: whoever changes what is kept of an entry calls [Table.Touch] (or
// [Table.Came]) before, and not for a look. So a checkpoint holds the cells as they
// were when it was frozen, and writes only those that have changed.
//
// Cells are addressed by (declaration, window, key group, key). The key group
// follows from the key's hash.
package cells
