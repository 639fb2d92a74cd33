package compression

import (
	"bytes"
	"path/filepath"
	"strings"
)

// A foreign kind of file is one that would be read as lines of garbage.
type foreign struct {
	name string
	at   int // where head is in the file
	head string
	ends []string // of names, in lower case
}

var foreigners = [...]foreign{
	{"bzip2", 0, "BZh", []string{".bz2", ".bz", ".tbz", ".tbz2"}}, // and see ForeignHead
	{"xz", 0, "\xfd7zXZ\x00", []string{".xz", ".txz"}},
	{"zip", 0, "PK\x03\x04", []string{".zip"}},
	{"zip", 0, "PK\x05\x06", nil}, // an empty one
	{"zip", 0, "PK\x07\x08", nil}, // the first of several
	{"lz4", 0, "\x04\x22\x4d\x18", []string{".lz4"}},
	{"lz4", 0, "\x02\x21\x4c\x18", nil}, // of before 2013
	{"compress", 0, "\x1f\x9d", []string{".z"}},
	{"pack", 0, "\x1f\x1e", nil},
	{"lzh", 0, "\x1f\xa0", nil},
	{"lzma", 0, "\x5d\x00\x00", []string{".lzma"}},
	{"lzip", 0, "LZIP\x01", []string{".lz"}},
	{"lzop", 0, "\x89LZO\x00\r\n\x1a\n", []string{".lzo"}},
	{"snappy", 0, "\xff\x06\x00\x00sNaPpY", []string{".snappy", ".sz"}},
	{"brotli", 0, "", []string{".br"}},
	{"7z", 0, "7z\xbc\xaf\x27\x1c", []string{".7z"}},
	{"rar", 0, "Rar!\x1a\x07", []string{".rar"}},
	{"tar", 257, "ustar\x00", []string{".tar", ".tgz", ".tar.gz", ".tar.zst"}},
	{"tar", 257, "ustar  \x00", nil}, // of GNU
}

// ForeignHead is the name of the compression or archive that a file with these
// first bytes is, if it is one that is not read: "bzip2", "xz", "zip" and so on.
// For all else it is "". 265 bytes are enough to tell.
func ForeignHead(head []byte) string {
	for _, f := range foreigners {
		if f.head == "" || len(head) < f.at || !bytes.HasPrefix(head[f.at:], []byte(f.head)) {
			continue
		}
		if f.name == "bzip2" && !isBzip2(head) {
			continue
		}
		return f.name
	}
	return ""
}

// isBzip2 looks further than the first three bytes, which a text may begin with.
func isBzip2(head []byte) bool {
	if len(head) < 10 || head[3] < '1' || head[3] > '9' {
		return false
	}
	const block, end = "\x31\x41\x59\x26\x53\x59", "\x17\x72\x45\x38\x50\x90"
	next := string(head[4:10])
	return next == block || next == end
}

// ForeignName is the name of the compression or archive that a file of this name
// should be, if it is one that is neither read nor written, and otherwise "".
func ForeignName(name string) string {
	base := strings.ToLower(filepath.Base(name))
	for _, f := range foreigners {
		for _, end := range f.ends {
			if strings.HasSuffix(base, end) {
				return f.name
			}
		}
	}
	return ""
}
