package filesource

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/io/compression"
	"github.com/millrace/millrace/io/internal/stored"
	"github.com/millrace/millrace/model/source"
)

// describe says what is read, and how: with the whole path, as processes may be started
// in other folders.
func describe(pattern string, format compression.Format, of string) string {
	if pattern == "" {
		return ""
	}
	text := pattern
	if path, err := filepath.Abs(pattern); err == nil {
		text = path
	}
	if format != compression.Auto {
		text += ", " + format.String()
	}
	if of != "" {
		text += ", " + of
	}
	return text
}

// movedTo is a split of a file that pattern matches. One of another file is taken to be of
// the file that has its place below the folder of the pattern. Whether it is that one is
// for the opening to find out.
func movedTo(pattern string, split source.Split) (source.Split, error) {
	p, err := decodePosition(split.Position)
	if err != nil {
		return source.Split{}, err
	}
	was := string(p.Path)
	if matches(pattern, was) {
		return split, nil
	}
	path, ok := placeIn(pattern, was)
	if !ok {
		return source.Split{}, fmt.Errorf("%s is still to be read, and neither it nor what has its place is matched by %q; put it there, or take the pattern that the checkpoint was taken with", was, pattern)
	}
	p.Path = stored.Path(path)
	if rest, ok := strings.CutPrefix(split.ID, was); ok {
		split.ID = path + rest
	}
	split.Position = p.encode()
	return split, nil
}

// placeIn is the file that pattern matches and whose path ends like that of was, the more
// the better. A pattern without wildcards matches one, whatever its name.
func placeIn(pattern, was string) (string, bool) {
	root, segments := segmentsOf(pattern)
	folder := root
	for i, s := range segments {
		if s == "**" || hasMeta(s) {
			break
		}
		folder = join(folder, unescape(s))
		if i == len(segments)-1 {
			return folder, exists(folder)
		}
	}
	_, names := segmentsOf(was)
	for i := range names {
		path := join(folder, strings.Join(names[i:], separator))
		if matches(pattern, path) && exists(path) {
			return path, true
		}
	}
	return "", false
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
