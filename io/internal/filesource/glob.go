package filesource

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const separator = string(os.PathSeparator)

// Expand returns the regular files that pattern matches, by path. It is
// filepath.Glob but for four things: "**" stands for any number of folders, none
// included; as in a shell, a wildcard does not match a leading dot, which is how
// files being written stay out of sight; a folder that cannot be read is an error
// and not silently empty; and folders that match a wildcard are left out.
func Expand(pattern string) ([]string, error) {
	if pattern == "" {
		return nil, errors.New("the pattern of the files to read is empty")
	}
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("the pattern %q is malformed: %w; escape a literal [ as \\[", pattern, err)
	}
	g := globber{}
	root, segments := segmentsOf(pattern)
	if err := g.walk(root, segments); err != nil {
		return nil, err
	}
	slices.Sort(g.found)
	return slices.Compact(g.found), nil
}

// segmentsOf cuts a pattern, or a path, into where it begins and the names behind that.
func segmentsOf(pattern string) (root string, segments []string) {
	volume := filepath.VolumeName(pattern)
	root, rest := volume, pattern[len(volume):]
	if strings.HasPrefix(rest, separator) {
		root += separator
		rest = strings.TrimLeft(rest, separator)
	}
	return root, strings.Split(rest, separator)
}

// matches reports whether path is one that Expand returns if there is such a file.
func matches(pattern, path string) bool {
	root, segments := segmentsOf(pattern)
	where, names := segmentsOf(path)
	return root == where && matchNames(segments, names)
}

func matchNames(segments, names []string) bool {
	if len(segments) == 0 {
		return len(names) == 0
	}
	segment, rest := segments[0], segments[1:]
	switch {
	case segment == "" && len(rest) > 0:
		return matchNames(rest, names)
	case segment == "**" && len(rest) == 0:
		return matchNames([]string{"**", "*"}, names)
	case segment == "**" && matchNames(rest, names):
		return true
	case len(names) == 0:
		return false
	case segment == "**":
		return matchName("*", names[0]) && matchNames(segments, names[1:])
	case hasMeta(segment):
		return matchName(segment, names[0]) && matchNames(rest, names[1:])
	}
	return unescape(segment) == names[0] && matchNames(rest, names[1:])
}

// matchName reports whether a wildcard matches a name.
func matchName(segment, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(segment, ".") {
		return false
	}
	ok, err := filepath.Match(segment, name)
	return ok && err == nil
}

type globber struct{ found []string }

// walk adds the files below dir that match segments.
func (g *globber) walk(dir string, segments []string) error {
	segment, rest := segments[0], segments[1:]
	switch {
	case segment == "" && len(rest) > 0:
		return g.walk(dir, rest)
	case segment == "**" && len(rest) == 0:
		return g.walk(dir, []string{"**", "*"})
	case segment == "**":
		if err := g.walk(dir, rest); err != nil {
			return err
		}
		return g.each(dir, "*", func(path string, entry fs.DirEntry) error {
			if !entry.IsDir() { // a link to a folder is not followed: it may lead back
				return nil
			}
			return g.walk(path, segments)
		})
	case hasMeta(segment):
		return g.each(dir, segment, func(path string, _ fs.DirEntry) error {
			if len(rest) == 0 {
				return g.add(path, true)
			}
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				return err
			}
			return g.walk(path, rest)
		})
	}
	path := join(dir, unescape(segment))
	if len(rest) == 0 {
		return g.add(path, false)
	}
	return g.walk(path, rest)
}

// each calls visit for the entries of dir that match segment.
func (g *globber) each(dir, segment string, visit func(string, fs.DirEntry) error) error {
	name := dir
	if name == "" {
		name = "."
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return fmt.Errorf("looking for the files to read: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(segment, ".") {
			continue
		}
		if ok, err := filepath.Match(segment, entry.Name()); err != nil {
			return fmt.Errorf("the pattern part %q is malformed: %w", segment, err)
		} else if !ok {
			continue
		}
		if err := visit(join(dir, entry.Name()), entry); err != nil {
			return err
		}
	}
	return nil
}

// add adds the file at path, if there is one.
func (g *globber) add(path string, wildcard bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !wildcard:
		return nil
	case err != nil:
		return fmt.Errorf("looking at a file to read: %w", err)
	case info.IsDir() && wildcard:
		return nil
	case info.IsDir():
		return fmt.Errorf("%s is a folder; to read the files in it, say %s", path, join(path, "*"))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file (%v); only those can be read again from a position", path, info.Mode().Type())
	}
	g.found = append(g.found, path)
	return nil
}

func hasMeta(segment string) bool { return strings.ContainsAny(segment, `*?[`) }

func unescape(segment string) string {
	if os.PathSeparator == '\\' || !strings.Contains(segment, `\`) {
		return segment
	}
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		if segment[i] == '\\' && i+1 < len(segment) {
			i++
		}
		b.WriteByte(segment[i])
	}
	return b.String()
}

func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, separator) {
		return dir + name
	}
	return dir + separator + name
}
