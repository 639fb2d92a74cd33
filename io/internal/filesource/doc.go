// Package filesource reads the files that a pattern matches, as splits that can
// be read at the same time and resumed where they were left. Connectors of files
// put a decoder on top of it that makes elements of lines.
//
// It stands below the connectors and knows nothing of what the lines mean; it
// implements [source.Source] for them. Three files hold what is worth knowing:
// [Source] cuts files into splits, [Cursor] cuts content into lines, and a
// position (position.go) says where a split was left.
//
// The invariant is that each line is read once, however files are cut: a range
// [start, end) of a file owns the lines that start in it. The reader of a range
// that does not begin the file drops what it finds up to the first line end at
// start-1 or later, and reads the last line that it owns to its end, beyond the
// range. Compressed files are one split, since a place in their content can
// only be reached by decompressing what is before it: that is also the cost of
// resuming one. Zstandard files of several frames are no exception, as frames
// need not say how much content they hold, nor begin where a line does.
package filesource
