// Package textio reads and writes files of lines, plain or compressed.
//
// It is a connector: it gives a runner lines to feed to a pipeline, and puts
// lines in files when the runner says that they are final. What it shares with
// other connectors of files, how files are cut and how they become visible, is
// below it.
//
// Its invariants: each line is read once, wherever the reading is interrupted
// and resumed; and a file that can be seen is complete. Files must not change
// while a run reads them; one that did is an error, not a surprise. It is noticed
// when a piece of the file is opened and when its end is reached, before a last line
// without a line end is taken for whole: by the size, the first and the last 4096
// bytes, and, for what is changed between the two, the time of the last write. The
// lines before it were read by then. What is not noticed is a change in the middle
// that leaves the size, and is over before the piece is opened.
//
// A line ends in "\n" or "\r\n", or at the end of its file, and comes without its
// end. A byte order mark at the beginning of a file is not part of its first line.
// Beyond that, lines are bytes: nothing checks that they are UTF-8.
//
// Plain text, gzip and zstd are read and written. What is compressed otherwise, such
// as bzip2 or xz, and archives are errors, by their first bytes or their names.
package textio
